import { FIRST_FREE_ADDRESS } from "../../core/threads/control.ts";
import { Qwen3Error } from "../../core/errors.ts";
import type { WasmMemory } from "../../core/webassembly.ts";

const PAGE = 65_536;
/** What 32-bit addresses reach. */
const LIMIT = 65_536 * PAGE;
/** The most that an empty memory has room for. */
export const MOST_ROOM: number = LIMIT - FIRST_FREE_ADDRESS;
/** A cache line: no two blocks share one. */
const ALIGNMENT = 64;

interface Range {
  readonly address: number;
  readonly bytes: number;
}

/** Hands out blocks of a shared WebAssembly memory, first fit, growing it when needed. */
export class Heap {
  readonly memory: WasmMemory;
  readonly #used = new Map<number, number>();
  #usedBytes = 0;
  /** By address, never adjacent. */
  #free: Range[];

  constructor(memory: WasmMemory) {
    this.memory = memory;
    this.#free = [{ address: FIRST_FREE_ADDRESS, bytes: memory.buffer.byteLength - FIRST_FREE_ADDRESS }];
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes of the largest block that can be had, if the system gives the memory. */
  get room(): number {
    return Math.max(LIMIT - this.#tail.address, ...this.#free.map(({ bytes }) => bytes));
  }

  /**
   * @param what named in the error if it does not fit
   * @returns the byte address of a block aligned to 64 bytes, with the contents left there
   * @throws Qwen3Error `too-large`
   */
  allocate(bytes: number, what: string): number {
    const size = blockBytes(bytes);
    const index = this.#free.findIndex((range) => range.bytes >= size);
    const range = this.#free[index] ?? this.#grow(size, what);
    this.#replace(range, { address: range.address + size, bytes: range.bytes - size });
    this.#used.set(range.address, size);
    this.#usedBytes += size;
    return range.address;
  }

  free(address: number): void {
    const bytes = this.#used.get(address);
    if (bytes === undefined) return;
    this.#used.delete(address);
    this.#usedBytes -= bytes;
    this.#insert({ address, bytes });
  }

  bytesAt(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, bytes);
  }

  /** Grows the memory until its last free range has `size` bytes, and returns that range. */
  #grow(size: number, what: string): Range {
    const end = this.memory.buffer.byteLength;
    const pages = Math.ceil((size - this.#tail.bytes) / PAGE);
    if (end + pages * PAGE > LIMIT) throw tooLarge(size, what, end);
    try {
      this.memory.grow(pages);
    } catch (cause) {
      throw new Qwen3Error("too-large", `${what}: the system refused ${gib(size)} more memory`, { cause });
    }
    this.#insert({ address: end, bytes: pages * PAGE });
    return this.#tail;
  }

  /** What is free at the end of the memory. */
  get #tail(): Range {
    const end = this.memory.buffer.byteLength;
    const last = this.#free.at(-1);
    return last && last.address + last.bytes === end ? last : { address: end, bytes: 0 };
  }

  #insert(range: Range): void {
    const sorted = [...this.#free, range].sort((a, b) => a.address - b.address);
    const merged: Range[] = [];
    for (const next of sorted) {
      const previous = merged.at(-1);
      if (previous && previous.address + previous.bytes === next.address) {
        merged[merged.length - 1] = { address: previous.address, bytes: previous.bytes + next.bytes };
      } else merged.push(next);
    }
    this.#free = merged;
  }

  #replace(range: Range, rest: Range): void {
    this.#free = this.#free.flatMap((other) => (other !== range ? [other] : rest.bytes > 0 ? [rest] : []));
  }
}

function blockBytes(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}

function tooLarge(size: number, what: string, used: number): Qwen3Error {
  return new Qwen3Error(
    "too-large",
    `${what}: ${gib(size)} on top of the ${gib(used)} in use do not fit one WebAssembly memory, which reaches 4 GiB; ` +
      `give it less at once (shorter texts, a smaller maxBatchTokens), or use device "webgpu"`,
  );
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
