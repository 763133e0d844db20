import type { Heap } from "./heap.ts";

/** One is read into while the threads empty the other. */
const BUFFERS = 2;

interface Buffer {
  readonly address: number;
  readonly bytes: number;
  emptied: Promise<unknown>;
}

/**
 * Where weights are read to before the threads lay them out. The same memory for one matrix after the other: a page that
 * is new to the process costs more than reading it, and a single thread reads, but all of them lay out.
 */
export class Staging {
  readonly #heap: Heap;
  readonly #buffers: Buffer[] = [];

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /**
   * Has a buffer filled once it is empty, and emptied once it is full.
   *
   * @returns when it is full, and a promise of its being empty again
   */
  async pass(
    bytes: number,
    fill: (into: Uint8Array) => Promise<void>,
    empty: (address: number) => Promise<unknown>,
  ): Promise<{ readonly emptied: Promise<unknown> }> {
    const buffer = this.#next(bytes);
    const { address } = buffer;
    const filled = buffer.emptied.then(() => fill(this.#heap.bytesAt(address, bytes)));
    const emptied = filled.then(() => empty(address));
    buffer.emptied = emptied.catch(() => {}); // for who waits for this buffer
    await filled;
    return { emptied };
  }

  /** Gives the memory back, as soon as it is empty. */
  free(): void {
    for (const buffer of this.#buffers.splice(0)) this.#free(buffer);
  }

  #next(bytes: number): Buffer {
    const oldest = this.#buffers.length < BUFFERS ? undefined : this.#buffers.shift();
    const buffer = oldest && oldest.bytes >= bytes ? oldest : this.#replace(oldest, bytes);
    this.#buffers.push(buffer);
    return buffer;
  }

  #replace(small: Buffer | undefined, bytes: number): Buffer {
    if (small) this.#free(small);
    return { address: this.#heap.allocate(bytes, "reading weights"), bytes, emptied: Promise.resolve() };
  }

  #free({ address, emptied }: Buffer): void {
    void emptied.then(() => this.#heap.free(address));
  }
}
