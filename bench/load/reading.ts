/** Reads files and does nothing with them; prints a `Reading`. A process of its own, whose memory is new to it. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Milliseconds. */
export interface Reading {
  /** Into one small buffer over and over. */
  readonly usedMs: number;
  /** Into new memory, as `readFileSync` does, and any loader must. */
  readonly newMs: number;
}

const USED_BYTES = 4 * 2 ** 20;
/** One system call moves at most 2 GiB. */
const CALL_BYTES = 2 ** 30;

const paths = process.argv.slice(2);
const used = new Uint8Array(USED_BYTES);
const reading: Reading = {
  usedMs: time((file) => {
    while (readSync(file, used) > 0);
  }),
  newMs: time((file) => {
    const whole = new Uint8Array(fstatSync(file).size);
    let read = 1;
    for (let at = 0; read > 0; at += read) {
      read = readSync(file, whole, at, Math.min(CALL_BYTES, whole.length - at), at);
    }
  }),
};
console.log(JSON.stringify(reading));

function time(read: (file: number) => void): number {
  const start = performance.now();
  for (const path of paths) {
    const file = openSync(path, "r");
    read(file);
    closeSync(file);
  }
  return performance.now() - start;
}
