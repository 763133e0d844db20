import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type WasmMemory, type WasmModule, WebAssembly } from "../webassembly.ts";
import { CONTROL, CONTROL_ADDRESS, JOB, JOB_WORDS } from "./control.ts";

/** What a worker is started with; kernel modules follow by message. */
export interface WorkerStart {
  /** Those known so far; the first holds the control block. */
  readonly memories: readonly WasmMemory[];
  readonly index: number;
  readonly threads: number;
}

/** A kernel computes one tile of a job: addresses of its arguments and of this worker's scratch memory. */
interface Kernel {
  readonly name: string;
  readonly run: (args: number, tile: number, scratch: number) => void;
}

/**
 * Looks at a barrier this often before sleeping: about 200 µs, longer than nearly all waits for the last tile of a job.
 * Waking a sleeping thread takes a virtual machine 50 µs and more, as long as some jobs of a short query.
 */
const SPINS = 16_000;

/** A memory, and the kernels as they work on it. */
interface Place {
  readonly memory: WasmMemory;
  readonly kernels: readonly Kernel[];
}

const { memories, index, threads } = workerData as WorkerStart;
const port = parentPort as MessagePort;
const modules = await new Promise<readonly WasmModule[]>((resolve) => port.once("message", resolve));
const places = memories.map(placeOf);
const home = places[0] as Place;
let generation = 0;
port.postMessage("ready");
for (;;) {
  const control = new Int32Array(home.memory.buffer, CONTROL_ADDRESS, 16);
  Atomics.wait(control, CONTROL.generation, generation);
  if (Atomics.load(control, CONTROL.generation) === generation) continue;
  generation = Atomics.load(control, CONTROL.generation);
  runProgram(control);
}

function runProgram(control: Int32Array): void {
  const { memory, kernels } = placeAt(control[CONTROL.memory] as number);
  memory.grow(0); // this thread's view of the memory may be older than the last growth
  const words = new Int32Array(memory.buffer);
  const scratch = (control[CONTROL.scratch] as number) + index * (control[CONTROL.scratchBytes] as number);
  const first = (control[CONTROL.program] as number) >>> 2;
  const jobs = control[CONTROL.jobs] as number;
  const begin = performance.now();
  for (let i = 0; i < jobs; i++) {
    const job = first + i * JOB_WORDS;
    runJob(kernels, words, job, scratch);
    const last = i === jobs - 1;
    if (!arrive(words, job)) {
      if (!last) waitForAll(words, job);
      continue;
    }
    words[job + JOB.finished] = 1000 * (performance.now() - begin);
    if (last) port.postMessage("done"); // from here on the program's memory may be written anew
    else openBarrier(words, job);
  }
}

/** Memories come by message, in order; this thread never returns to its event loop, so it fetches them itself. */
function placeAt(number: number): Place {
  while (places.length <= number) {
    const received: { readonly message: WasmMemory } | undefined = receiveMessageOnPort(port);
    if (received) places.push(placeOf(received.message));
  }
  return places[number] as Place;
}

function runJob(kernels: readonly Kernel[], words: Int32Array, job: number, scratch: number): void {
  const kernel = kernels[words[job + JOB.kernel] as number] as Kernel;
  const args = words[job + JOB.args] as number;
  const tiles = words[job + JOB.tiles] as number;
  const { run } = kernel;
  try {
    for (let tile = Atomics.add(words, job + JOB.next, 1); tile < tiles; tile = Atomics.add(words, job + JOB.next, 1)) {
      run(args, tile, scratch);
    }
  } catch (cause) {
    throw new Error(`kernel '${kernel.name}': ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Counts this worker in; true for the last one. */
function arrive(words: Int32Array, job: number): boolean {
  return Atomics.add(words, job + JOB.arrived, 1) === threads - 1;
}

function openBarrier(words: Int32Array, job: number): void {
  Atomics.store(words, job + JOB.open, 1);
  Atomics.notify(words, job + JOB.open);
}

function waitForAll(words: Int32Array, job: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(words, job + JOB.open) === 1) return;
  }
  Atomics.wait(words, job + JOB.open, 0);
}

function placeOf(memory: WasmMemory): Place {
  const kernels = modules.flatMap((module) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return WebAssembly.Module.exports(module).map(({ name }) => ({ name, run: exports[name] as Kernel["run"] }));
  });
  return { memory, kernels };
}
