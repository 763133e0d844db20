import { parentPort, workerData } from "node:worker_threads";
import { type WasmMemory, type WasmModule, WebAssembly } from "../webassembly.ts";
import { CONTROL, CONTROL_ADDRESS, JOB, JOB_WORDS } from "./control.ts";

/** What a worker is started with. */
export interface WorkerStart {
  readonly memory: WasmMemory;
  readonly modules: readonly WasmModule[];
  readonly index: number;
  readonly threads: number;
}

/** A kernel computes one tile of a job: addresses of its arguments and of this worker's scratch memory. */
type Kernel = (args: number, tile: number, scratch: number) => void;

/**
 * Looks at a barrier this often before sleeping: about 20 µs, longer than most waits between two jobs of a short query
 * and shorter than the kernel needs to put a thread to sleep and wake it.
 */
const SPINS = 4000;

const { memory, modules, index, threads } = workerData as WorkerStart;
const kernels = modules.flatMap((module) => exportedKernels(module));
let generation = 0;
parentPort?.postMessage("ready");
for (;;) {
  const control = new Int32Array(memory.buffer, CONTROL_ADDRESS, 16);
  Atomics.wait(control, CONTROL.generation, generation);
  if (Atomics.load(control, CONTROL.generation) === generation) continue;
  generation = Atomics.load(control, CONTROL.generation);
  runProgram(control);
}

function runProgram(control: Int32Array): void {
  memory.grow(0); // this thread's view of the memory may be older than the last growth
  const words = new Int32Array(memory.buffer);
  const scratch = (control[CONTROL.scratch] as number) + index * (control[CONTROL.scratchBytes] as number);
  const first = (control[CONTROL.program] as number) >>> 2;
  const jobs = control[CONTROL.jobs] as number;
  const begin = performance.now();
  for (let i = 0; i < jobs; i++) {
    const job = first + i * JOB_WORDS;
    runJob(words, job, scratch);
    const last = i === jobs - 1;
    if (!arrive(words, job)) {
      if (!last) waitForAll(words, job);
      continue;
    }
    words[job + JOB.finished] = 1000 * (performance.now() - begin);
    if (last) parentPort?.postMessage("done"); // from here on the program's memory may be written anew
    else openBarrier(words, job);
  }
}

function runJob(words: Int32Array, job: number, scratch: number): void {
  const kernel = kernels[words[job + JOB.kernel] as number] as Kernel;
  const args = words[job + JOB.args] as number;
  const tiles = words[job + JOB.tiles] as number;
  for (let tile = Atomics.add(words, job + JOB.next, 1); tile < tiles; tile = Atomics.add(words, job + JOB.next, 1)) {
    kernel(args, tile, scratch);
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

function exportedKernels(module: WasmModule): Kernel[] {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return WebAssembly.Module.exports(module).map(({ name }) => exports[name] as Kernel);
}
