/** A thread that reads memory of its own as fast as it can, from beginning to end and again. */
import { parentPort, workerData } from "node:worker_threads";
import { WebAssembly } from "../../src/core/webassembly.ts";
import type { ReaderStart } from "./read-bandwidth.ts";

const PAGE = 65_536;

const { module, bytes } = workerData as ReaderStart;
const memory = new WebAssembly.Memory({ initial: bytes / PAGE, maximum: bytes / PAGE, shared: true });
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const read = exports["read"] as (bytes: number) => number;
new Uint8Array(memory.buffer).fill(1); // pages never written are all the same one
read(bytes);

parentPort?.on("message", (milliseconds: number) => {
  const start = performance.now();
  let passes = 0;
  while (performance.now() - start < milliseconds) {
    read(bytes);
    passes++;
  }
  parentPort?.postMessage((passes * bytes) / (performance.now() - start));
});
parentPort?.postMessage("ready");
