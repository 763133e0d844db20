import { JOB, JOB_WORDS } from "../../core/threads/control.ts";
import type { ThreadPool } from "../../core/threads/thread-pool.ts";
import type { Heap } from "./heap.ts";
import { alignUp, Constant, type HostArray, type Operand, type Recorder, Resident, Value } from "./program.ts";

const NO_ARENA = { address: 0, bytes: 0 };

/** Writes what was recorded into shared memory, has the threads run it, and reads the results. */
export class Executor {
  readonly #heap: Heap;
  readonly #pool: ThreadPool;
  readonly #kernels: ReadonlyMap<string, number>;
  readonly #residents = new Map<HostArray, number>();
  #arena = NO_ARENA;

  constructor(heap: Heap, pool: ThreadPool, kernels: ReadonlyMap<string, number>) {
    this.#heap = heap;
    this.#pool = pool;
    this.#kernels = kernels;
  }

  /** Collects how long every job took, while it is set. */
  profile: TimedJob[] | undefined;

  /** Bytes of activations, programs and scratch memory, at their largest so far. */
  get arenaBytes(): number {
    return this.#arena.bytes;
  }

  /** Runs the recorded steps in a turn of the pool's, and copies out the values asked for. */
  run(recorder: Recorder, results: readonly Value[] = []): Promise<Float32Array[]> {
    return this.#pool.inTurn(() => this.#run(recorder, results));
  }

  async #run(recorder: Recorder, results: readonly Value[]): Promise<Float32Array[]> {
    const plan = this.#plan(recorder, results);
    this.#write(recorder, plan);
    const { program, jobs, scratch, scratchBytes } = plan;
    const { memory } = this.#heap;
    if (jobs > 0) await this.#pool.run({ memory, address: program, jobs, scratchAddress: scratch, scratchBytes });
    this.profile?.push(...this.#times(recorder, program));
    this.#dropUnused(plan.residents);
    return results.map((value) => {
      const view = new Float32Array(this.#heap.memory.buffer, plan.addressOf(value), value.bytes >>> 2);
      return new Float32Array(view);
    });
  }

  /** Gives everything the program needs its place: job records, arguments, host arrays, values, scratch memory. */
  #plan(recorder: Recorder, results: readonly Value[]): Plan {
    const { steps } = recorder;
    const operands = steps.flatMap(({ args }) => args);
    const arrays = new Set(operands.filter((operand) => ArrayBuffer.isView(operand)));
    const residents = new Set(operands.flatMap((operand) => (operand instanceof Resident ? [operand.array] : [])));
    const values = recorder.layOut(results);
    const scratchBytes = alignUp(Math.max(0, ...steps.map((step) => step.scratchBytes ?? 0)));

    let end = 0;
    const place = (bytes: number): number => (end += alignUp(bytes)) - alignUp(bytes);
    const program = place(steps.length * JOB_WORDS * 4);
    const args = steps.map((step) => place(step.args.length * 4));
    const uploads = new Map([...arrays].map((array) => [array, place(array.byteLength)]));
    const valuesStart = place(values.bytes);
    const scratch = place(scratchBytes * this.#pool.threads);

    const base = this.#reserve(end);
    for (const array of residents) this.#keep(array);
    return {
      program: base + program,
      jobs: steps.length,
      args: args.map((offset) => base + offset),
      uploads: new Map([...uploads].map(([array, offset]) => [array, base + offset])),
      residents,
      addressOf: (value) => base + valuesStart + values.offsetOf(value),
      scratch: base + scratch,
      scratchBytes,
    };
  }

  #write(recorder: Recorder, plan: Plan): void {
    const words = new Uint32Array(this.#heap.memory.buffer);
    for (const [array, address] of plan.uploads) this.#copyIn(array, address);
    for (const [i, { kernel, tiles, args }] of recorder.steps.entries()) {
      const job = plan.program / 4 + i * JOB_WORDS;
      const argsAddress = plan.args[i] as number;
      words.fill(0, job, job + JOB_WORDS);
      words[job + JOB.kernel] = this.#kernelIndex(kernel);
      words[job + JOB.args] = argsAddress;
      words[job + JOB.tiles] = tiles;
      words.set(
        args.map((operand) => this.#resolve(operand, plan)),
        argsAddress / 4,
      );
    }
  }

  #times({ steps }: Recorder, program: number): TimedJob[] {
    const words = new Uint32Array(this.#heap.memory.buffer, program, steps.length * JOB_WORDS);
    let before = 0;
    return steps.map(({ kernel, tiles }, i) => {
      const finished = words[i * JOB_WORDS + JOB.finished] as number;
      const nanoseconds = 1000 * (finished - before);
      before = finished;
      return { kernel, tiles, nanoseconds };
    });
  }

  #resolve(operand: Operand, plan: Plan): number {
    if (typeof operand === "number") return operand;
    if (operand instanceof Value) return plan.addressOf(operand);
    if (operand instanceof Resident) return this.#residents.get(operand.array) as number;
    if (operand instanceof Constant) throw new RangeError(`'${operand.name}' has no address of its own`);
    return plan.uploads.get(operand) as number;
  }

  #kernelIndex(name: string): number {
    const index = this.#kernels.get(name);
    if (index === undefined) throw new RangeError(`no kernel module exports '${name}'`);
    return index;
  }

  /** The arena only grows, and is not kept filled: contents do not survive. */
  #reserve(bytes: number): number {
    if (bytes > this.#arena.bytes) {
      this.#heap.free(this.#arena.address);
      this.#arena = NO_ARENA; // if there is no room for the larger one, others may have the smaller one's
      this.#arena = { address: this.#heap.allocate(bytes, "a batch's activations"), bytes };
    }
    return this.#arena.address;
  }

  #keep(array: HostArray): void {
    if (this.#residents.has(array)) return;
    const address = this.#heap.allocate(array.byteLength, "rotary tables");
    this.#copyIn(array, address);
    this.#residents.set(array, address);
  }

  #dropUnused(used: ReadonlySet<HostArray>): void {
    if (used.size === 0) return;
    for (const [array, address] of this.#residents) {
      if (used.has(array)) continue;
      this.#heap.free(address);
      this.#residents.delete(array);
    }
  }

  #copyIn(array: HostArray, address: number): void {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    this.#heap.bytesAt(address, array.byteLength).set(bytes);
  }
}

/** One job of a program, from the end of the one before it to its own. */
export interface TimedJob {
  readonly kernel: string;
  readonly tiles: number;
  /** To the microsecond. */
  readonly nanoseconds: number;
}

/** Addresses of one program. */
interface Plan {
  readonly program: number;
  readonly jobs: number;
  readonly args: readonly number[];
  readonly uploads: ReadonlyMap<HostArray, number>;
  readonly residents: ReadonlySet<HostArray>;
  readonly addressOf: (value: Value) => number;
  readonly scratch: number;
  readonly scratchBytes: number;
}
