import { disposedError, type ThreadPool } from "../../core/threads/thread-pool.ts";
import { Bank, bankOf } from "./bank.ts";
import type { TimedJob } from "./executor.ts";
import { type Heap, MOST_ROOM } from "./heap.ts";
import { Constant, type HostArray, Recorder, type Step, Value } from "./program.ts";

/** Left beside a cache for activations: those of some thousands of tokens. */
const ROOM_BESIDE = 2 ** 29;

export interface BanksOptions {
  /** The first memory, which is also the pool's. */
  readonly heap: Heap;
  readonly pool: ThreadPool;
  /** Where each kernel stands in the workers' list. */
  readonly kernels: ReadonlyMap<string, number>;
  /** Bytes of weights after which another memory is begun. */
  readonly weightBytes: number;
}

/**
 * The memories of one backend. WebAssembly's addresses have 32 bits, so weights beyond what one memory should hold lie in
 * more of them. Every step of a program runs in the memory of its weights; what it reads from another is copied there
 * first, which for a decoder is one row per token wherever its weights go over from one memory to the next.
 */
export class Banks {
  readonly #options: Omit<BanksOptions, "heap">;
  readonly #banks: Bank[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #loading: Promise<unknown> = Promise.resolve();

  constructor({ heap, ...options }: BanksOptions) {
    this.#options = options;
    this.#add(heap);
  }

  /** Bytes of activations, programs and scratch memory, at their largest so far. */
  get arenaBytes(): number {
    return this.#banks.reduce((sum, { executor }) => sum + executor.arenaBytes, 0);
  }

  /** Collects how long every job took, while it is set. */
  set profile(jobs: TimedJob[] | undefined) {
    for (const { executor } of this.#banks) executor.profile = jobs;
  }

  /** Where the next weights go: the newest memory, until it holds as many as it should. */
  forWeights(bytes: number): Bank {
    const last = this.#banks.at(-1);
    const fits = last && (last.heap.usedBytes === 0 || last.heap.usedBytes + bytes <= this.#options.weightBytes);
    return fits ? last : this.#add(Bank.newHeap());
  }

  /**
   * A memory with room for what has no place of its own, such as a cache, and for a batch's activations beside it: the
   * roomiest there is, or a new one.
   */
  withRoom(bytes: number): Bank {
    const rooms = this.#banks.map(({ heap }) => heap.room);
    const roomiest = rooms.indexOf(Math.max(...rooms));
    const isEnough = (rooms[roomiest] ?? 0) >= Math.min(bytes + ROOM_BESIDE, MOST_ROOM) || bytes > MOST_ROOM;
    return isEnough ? (this.#banks[roomiest] as Bank) : this.#add(Bank.newHeap());
  }

  /** Weights that programs must wait for; resolves when those before them are there. If they fail, so do the programs. */
  async load(weights: Promise<unknown>): Promise<void> {
    const before = this.#loading;
    this.#loading = Promise.all([before, weights]);
    this.#loading.catch(() => {}); // for those who wait
    await before;
  }

  /** Resolves when all weights are there, and gives back what reading them took. */
  async loaded(): Promise<void> {
    await this.#loading;
    for (const { staging } of this.#banks) staging.free();
  }

  /**
   * Runs the recorded steps after all programs before it, and copies out the values asked for. Not in one turn of the
   * pool's: it waits for weights, and laying those out takes turns too.
   */
  run(recorder: Recorder, results: readonly Value[] = []): Promise<Float32Array[]> {
    const result = this.#turn.then(() => this.#run(recorder, results));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Does something to the memories after all programs so far and before those to come. It must not fail. */
  inTurn(action: () => void | Promise<void>): void {
    this.#turn = this.#turn.then(action).catch(() => {});
  }

  /** Lets go of all memories; nothing can be run any more. */
  dispose(): void {
    this.#banks.length = 0;
  }

  async #run(recorder: Recorder, results: readonly Value[]): Promise<Float32Array[]> {
    await this.loaded();
    recorder.dropUnread(results);
    const parts = divide(recorder.steps);
    const known = new Map<Value, HostArray>();
    for (const [i, { bank, steps }] of parts.entries()) {
      const needed = new Set([...parts.slice(i + 1).flatMap((part) => part.steps.flatMap(({ inputs }) => inputs)), ...results]); // oxfmt-ignore
      const wanted = [...new Set(steps.flatMap(({ outputs }) => outputs))].filter((value) => needed.has(value));
      const arrays = await this.#runPart(recorder, this.#numbered(bank), steps, { known, wanted });
      for (const value of known.keys()) if (!needed.has(value)) known.delete(value);
      for (const [j, value] of wanted.entries()) known.set(value, arrays[j] as Float32Array);
    }
    return results.map((value) => known.get(value) as Float32Array);
  }

  #runPart(
    recorder: Recorder,
    bank: Bank,
    steps: readonly Step[],
    { known, wanted }: { readonly known: ReadonlyMap<Value, HostArray>; readonly wanted: readonly Value[] },
  ): Promise<Float32Array[]> {
    const part = recorder.withoutSteps();
    for (const step of steps) {
      const inputs = step.inputs.filter((value) => !known.has(value));
      const args = step.args.map((operand) => {
        if (operand instanceof Constant) return bank.addressOf(operand);
        return operand instanceof Value ? (known.get(operand) ?? operand) : operand;
      });
      part.step({ ...step, args, inputs });
    }
    return bank.executor.run(part, wanted);
  }

  #numbered(number: number): Bank {
    const bank = this.#banks[number - 1];
    if (bank) return bank;
    throw disposedError(); // numbers come from addresses in one of them
  }

  #add(heap: Heap): Bank {
    const { pool, kernels } = this.#options;
    const bank = new Bank(this.#banks.length + 1, heap, pool, kernels);
    this.#banks.push(bank);
    return bank;
  }
}

interface Part {
  readonly bank: number;
  readonly steps: Step[];
}

/** Steps that follow each other in one memory. Those without weights stay where the one before them ran. */
function divide(steps: readonly Step[]): Part[] {
  const parts: Part[] = [];
  const banks = steps.map(({ args }) => Math.max(0, ...args.map((arg) => (typeof arg === "number" ? bankOf(arg) : 0))));
  let bank = banks.find((number) => number > 0) ?? 1;
  for (const [i, step] of steps.entries()) {
    bank = banks[i] || bank;
    const last = parts.at(-1);
    if (last?.bank === bank) last.steps.push(step);
    else parts.push({ bank, steps: [step] });
  }
  return parts;
}
