import { BpeHeap } from "./bpe-heap.ts";
import { BpeScan, LONGEST_SCAN } from "./bpe-scan.ts";
import type { MergeTable } from "./merge-table.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Length of the stretches that long words are encoded in, if they fit together. */
const FIRST_STRETCH = 64;

/**
 * Byte-pair encoding of one word: the adjacent pair with the lowest rank is joined first, the leftmost of equal ones,
 * until no pair merges.
 *
 * Long words are encoded in stretches that overlap by one token, so that time grows with their length only. That is
 * exact: a sequence of tokens is the encoding of its text if and only if every two neighbours are the encoding of theirs
 * (the first joining across the boundary of two tokens would also happen if they were alone). Inside a stretch that holds;
 * and if the next stretch begins with the very token at which the last one was left, it holds across both. If it does not,
 * the word begins again with longer stretches.
 */
export class Bpe {
  readonly #vocabulary: Vocabulary;
  readonly #scan: BpeScan;
  readonly #heap: BpeHeap;

  /** @param byteIds id of every single byte */
  constructor(vocabulary: Vocabulary, merges: MergeTable, byteIds: Int32Array) {
    this.#vocabulary = vocabulary;
    this.#scan = new BpeScan(merges, byteIds);
    this.#heap = new BpeHeap(merges, byteIds);
  }

  /** Writes the ids of [start, end) at `at` and returns the position behind them; there must be room for one per byte. */
  encode(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): number {
    if (end - start <= LONGEST_SCAN) return this.#scan.encode(bytes, start, end, into, at);
    return this.#encodeLong(bytes, start, end, into, at);
  }

  #encodeLong(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): number {
    for (let size = FIRST_STRETCH; ; size *= 2) {
      const after = this.#encodeStretches(bytes, start, end, into, at, size);
      if (after !== -1) return after;
    }
  }

  /** As `encode`, with stretches of `size` bytes; −1 if they do not fit together. */
  #encodeStretches(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number, size: number): number {
    const bpe = size <= LONGEST_SCAN ? this.#scan : this.#heap;
    let from = start;
    let to = at;
    let overlap = -1;
    for (;;) {
      const stretchEnd = Math.min(from + size, end);
      const after = bpe.encode(bytes, from, stretchEnd, into, to);
      if (overlap !== -1 && into[to] !== overlap) return -1;
      if (stretchEnd === end) return after;
      // The last quarter is left to the next stretch, as it may go on differently there.
      const leave = stretchEnd - (size >> 2);
      const first = to;
      for (;;) {
        const next = from + this.#vocabulary.lengthOf(into[to] as number);
        if (next > leave) break;
        from = next;
        to++;
      }
      if (to === first) return -1;
      overlap = into[to] as number;
    }
  }
}
