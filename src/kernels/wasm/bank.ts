import { Qwen3Error } from "../../core/errors.ts";
import type { ThreadPool } from "../../core/threads/thread-pool.ts";
import { WebAssembly } from "../../core/webassembly.ts";
import { Executor } from "./executor.ts";
import { Heap } from "./heap.ts";
import type { Constant } from "./program.ts";
import { Staging } from "./staging.ts";

/** Pages of 64 KiB: 1 MiB to begin with, and the 4 GiB that 32-bit addresses reach. */
const INITIAL_PAGES = 16;
const MAXIMUM_PAGES = 65_536;

/** Bytes between the first addresses of two banks. */
const SPAN = 2 ** 32;

/**
 * One memory of at most 4 GiB, and programs that run in it. Outside of it, an address is the number of its bank times
 * 2³² plus the byte; kernels get the lower 32 bits. Banks count from 1, so that smaller numbers are not taken for addresses.
 */
export class Bank {
  readonly number: number;
  readonly heap: Heap;
  readonly executor: Executor;
  readonly staging: Staging;
  readonly #constants = new Map<Constant, number>();

  constructor(number: number, heap: Heap, pool: ThreadPool, kernels: ReadonlyMap<string, number>) {
    this.number = number;
    this.heap = heap;
    this.executor = new Executor(heap, pool, kernels);
    this.staging = new Staging(heap);
  }

  /** @throws Qwen3Error `too-large` where the process may not have so many addresses */
  static newHeap(): Heap {
    try {
      return new Heap(new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true }));
    } catch (cause) {
      const message = `the system refused the addresses of another WebAssembly memory (4 GiB, and as much again to guard it): ${String(cause)}; is the process limited (ulimit -v)?`;
      throw new Qwen3Error("too-large", message, { cause });
    }
  }

  /** A byte of this bank's memory, for everybody. */
  globalAddress(address: number): number {
    return this.number * SPAN + address;
  }

  /** Where a constant's copy lies; it is made the first time. */
  addressOf(constant: Constant): number {
    const known = this.#constants.get(constant);
    if (known !== undefined) return known;
    const { array, name } = constant;
    const address = this.heap.allocate(array.byteLength, name);
    this.heap.bytesAt(address, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    this.#constants.set(constant, address);
    return address;
  }
}

/** The bank that holds an address, 0 for a number that is none. */
export function bankOf(address: number): number {
  return Math.floor(address / SPAN);
}
