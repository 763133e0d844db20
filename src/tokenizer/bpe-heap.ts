import { type MergeTable, NO_MERGE } from "./merge-table.ts";

/** A pair is kept as rank · 2³² + place, which sorts by rank and then from left to right and is exact in a double. */
const RANK_UNIT = 2 ** 32;

/** Room for so many bytes is kept from stretch to stretch. */
const KEPT = 1 << 12;

/** Byte-pair encoding of any number of bytes: a heap knows the next pair. */
export class BpeHeap {
  readonly #merges: MergeTable;
  readonly #byteIds: Int32Array;
  readonly #kept: Parts = new Parts(KEPT);

  /** @param byteIds id of every single byte */
  constructor(merges: MergeTable, byteIds: Int32Array) {
    this.#merges = merges;
    this.#byteIds = byteIds;
  }

  /** Writes the ids of [start, end) at `at` and returns the position behind them. */
  encode(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): number {
    const length = end - start;
    const parts = length <= KEPT ? this.#kept : new Parts(length);
    parts.split(bytes, start, length, this.#byteIds);
    for (let place = 0; place + 1 < length; place++) this.#consider(parts, place);
    for (let pair = parts.takeLeast(); pair !== -1; pair = parts.takeLeast()) this.#join(parts, pair);
    let to = at;
    for (let place = 0; place < length; place = parts.next[place] as number) into[to++] = parts.ids[place] as number;
    return to;
  }

  #join(parts: Parts, pair: number): void {
    const rank = Math.floor(pair / RANK_UNIT);
    const place = pair - rank * RANK_UNIT;
    if (parts.ranks[place] !== rank) return; // one of the two was joined with another in the meantime
    const right = parts.next[place] as number;
    const after = parts.next[right] as number;
    parts.ids[place] = this.#merges.joined(rank);
    parts.ranks[right] = NO_MERGE;
    parts.next[place] = after;
    parts.previous[after] = place;
    this.#consider(parts, place);
    if (place > 0) this.#consider(parts, parts.previous[place] as number);
  }

  /** Notes the pair of a part and the next. */
  #consider(parts: Parts, place: number): void {
    const right = parts.next[place] as number;
    const rank =
      right < parts.length ? this.#merges.rank(parts.ids[place] as number, parts.ids[right] as number) : NO_MERGE;
    parts.ranks[place] = rank;
    if (rank !== NO_MERGE) parts.add(rank * RANK_UNIT + place);
  }
}

/** The parts of a stretch, each at the place of its first byte and linked to its neighbours, and a heap of pairs. */
class Parts {
  length = 0;
  readonly ids: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** Rank of the pair of each part and the next. */
  readonly ranks: Int32Array;
  readonly #heap: Float64Array;
  #heapSize = 0;

  constructor(capacity: number) {
    this.ids = new Int32Array(capacity);
    this.next = new Int32Array(capacity);
    this.previous = new Int32Array(capacity + 1);
    this.ranks = new Int32Array(capacity);
    this.#heap = new Float64Array(3 * capacity); // at most one pair per byte at first, and two more per joining
  }

  /** One part per byte, no pairs. */
  split(bytes: Uint8Array, start: number, length: number, byteIds: Int32Array): void {
    this.length = length;
    this.#heapSize = 0;
    for (let place = 0; place < length; place++) {
      this.ids[place] = byteIds[bytes[start + place] as number] as number;
      this.next[place] = place + 1;
      this.previous[place] = place - 1;
      this.ranks[place] = NO_MERGE;
    }
  }

  add(pair: number): void {
    const heap = this.#heap;
    let at = this.#heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as number) <= pair) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = pair;
  }

  /** Takes the least pair, or −1. */
  takeLeast(): number {
    if (this.#heapSize === 0) return -1;
    const heap = this.#heap;
    const size = --this.#heapSize;
    const least = heap[0] as number;
    const last = heap[size] as number;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= last) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = last;
    return least;
  }
}
