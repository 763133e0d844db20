import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { WasmModule } from "../../src/core/webassembly.ts";
import { WebAssembly } from "../../src/core/webassembly.ts";

export interface ReaderStart {
  readonly module: WasmModule;
  /** Of memory that each thread reads; a multiple of 64 KiB. */
  readonly bytes: number;
}

/** Far beyond any cache, so that every pass comes from memory. */
const BYTES = 512 * 2 ** 20;
const MILLISECONDS = 400;
const ROUNDS = 3;

/** AssemblyScript: eight loads in flight, and so little work on them that only memory limits it. */
const READER = `export function read(bytes: usize): i64 {
  let a = i64x2.splat(0), b = a, c = a, d = a;
  for (let at: usize = 0; at < bytes; at += 128) {
    a = v128.xor(a, v128.xor(v128.load(at), v128.load(at, 16)));
    b = v128.xor(b, v128.xor(v128.load(at, 32), v128.load(at, 48)));
    c = v128.xor(c, v128.xor(v128.load(at, 64), v128.load(at, 80)));
    d = v128.xor(d, v128.xor(v128.load(at, 96), v128.load(at, 112)));
  }
  const all = v128.xor(v128.xor(a, b), v128.xor(c, d));
  return i64x2.extract_lane(all, 0) ^ i64x2.extract_lane(all, 1);
}`;

/** GB/s at which so many threads together read memory: the best of a few rounds. */
export async function readBandwidth(threads: number): Promise<number> {
  const start: ReaderStart = { module: await WebAssembly.compile(await compile(READER)), bytes: BYTES };
  const file = new URL("child.js", import.meta.url);
  const workers = Array.from({ length: threads }, () => new Worker(file, { workerData: start }));
  try {
    await Promise.all(workers.map((worker) => once(worker, "message")));
    let best = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const rates = await Promise.all(workers.map((worker) => bytesPerMillisecond(worker)));
      best = Math.max(
        best,
        rates.reduce((sum, rate) => sum + rate, 0),
      );
    }
    return best / 1e6;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function bytesPerMillisecond(worker: Worker): Promise<number> {
  worker.postMessage(MILLISECONDS);
  const [rate] = (await once(worker, "message")) as [number];
  return rate;
}

/** By a variable: AssemblyScript's own declarations would redefine JavaScript's arrays for all of our code. */
const COMPILER: string = "assemblyscript/asc";

interface AssemblyScript {
  createMemoryStream(): { toString(): string };
  main(args: readonly string[], host: object): Promise<{ readonly error: Error | null }>;
}

async function compile(source: string): Promise<Uint8Array> {
  const { default: asc } = (await import(COMPILER)) as { readonly default: AssemblyScript };
  const flags = "-O2 --runtime stub --importMemory --sharedMemory --maximumMemory 65536 --enable simd --enable threads";
  let wasm: Uint8Array | undefined;
  const messages = asc.createMemoryStream();
  const { error } = await asc.main(["read.ts", ...flags.split(" "), "-o", "read.wasm"], {
    stderr: messages,
    readFile: (name: string) => (name === "read.ts" ? source : null),
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`AssemblyScript: ${messages.toString()}`, { cause: error });
  return wasm;
}
