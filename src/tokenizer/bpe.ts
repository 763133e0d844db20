import { type MergeTable, NO_MERGE } from "./merge-table.ts";

/** Words up to this many bytes are joined by looking through all pairs each time, longer ones with a heap. */
const SHORT_WORD = 48;

/**
 * Byte-pair encoding of one word: the adjacent pair with the lowest rank is joined first, the leftmost of equal ones,
 * until no pair merges.
 */
export class Bpe {
  readonly #merges: MergeTable;
  readonly #byteIds: Int32Array;
  /** Rank of every pair of bytes. */
  readonly #bytePairs: Int32Array;
  readonly #ids = new Int32Array(SHORT_WORD);
  /** `#ranks[i]` belongs to the pair (i, i + 1). */
  readonly #ranks = new Int32Array(SHORT_WORD);
  readonly #long: LongWords;

  /** @param byteIds id of every single byte */
  constructor(merges: MergeTable, byteIds: Int32Array) {
    this.#merges = merges;
    this.#byteIds = byteIds;
    this.#bytePairs = Int32Array.from({ length: 0x10000 }, (_, pair) =>
      merges.rank(byteIds[pair >> 8] as number, byteIds[pair & 0xff] as number),
    );
    this.#long = new LongWords(merges);
  }

  /** Writes the ids of [start, end) at `at` and returns the position behind them; there must be room for one per byte. */
  encode(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): number {
    const length = end - start;
    if (length > SHORT_WORD) return this.#long.encode(bytes.subarray(start, end), this.#byteIds, into, at);
    const ids = this.#ids;
    for (let i = 0; i < length; i++) ids[i] = this.#byteIds[bytes[start + i] as number] as number;
    for (let i = 0; i + 1 < length; i++) {
      this.#ranks[i] = this.#bytePairs[
        ((bytes[start + i] as number) << 8) | (bytes[start + i + 1] as number)
      ] as number;
    }
    const count = this.#joinAll(length);
    for (let i = 0; i < count; i++) into[at + i] = ids[i] as number;
    return at + count;
  }

  /** Joins the first `count` ids in place and returns how many remain. */
  #joinAll(count: number): number {
    const ids = this.#ids;
    const ranks = this.#ranks;
    const merges = this.#merges;
    let last = count - 1;
    for (;;) {
      let best = NO_MERGE;
      let place = -1;
      for (let i = 0; i < last; i++) {
        const rank = ranks[i] as number;
        if (rank < best) {
          best = rank;
          place = i;
        }
      }
      if (place === -1) return last + 1;
      const joined = merges.joined(best);
      ids[place] = joined;
      last--;
      for (let i = place + 1; i <= last; i++) {
        ids[i] = ids[i + 1] as number;
        ranks[i] = ranks[i + 1] as number;
      }
      if (place > 0) ranks[place - 1] = merges.rank(ids[place - 1] as number, joined);
      if (place < last) ranks[place] = merges.rank(joined, ids[place + 1] as number);
    }
  }
}

/** rank · 2³² + place sorts by rank, then from left to right, and is exact in a double. */
const RANK_UNIT = 2 ** 32;

class LongWords {
  readonly #merges: MergeTable;

  constructor(merges: MergeTable) {
    this.#merges = merges;
  }

  encode(bytes: Uint8Array, byteIds: Int32Array, into: Uint32Array, at: number): number {
    const count = bytes.length;
    const merges = this.#merges;
    const ids = Int32Array.from(bytes, (byte) => byteIds[byte] as number);
    const next = Int32Array.from(ids, (_, i) => i + 1);
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const ranks = new Int32Array(count).fill(NO_MERGE);
    const heap = new MinHeap(count);
    const consider = (place: number): void => {
      const right = next[place] as number;
      const rank = right < count ? merges.rank(ids[place] as number, ids[right] as number) : NO_MERGE;
      ranks[place] = rank;
      if (rank !== NO_MERGE) heap.push(rank * RANK_UNIT + place);
    };
    for (let place = 0; place < count; place++) consider(place);
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / RANK_UNIT);
      const place = key - rank * RANK_UNIT;
      if (ranks[place] !== rank) continue;
      const right = next[place] as number;
      ids[place] = merges.joined(rank);
      ranks[right] = NO_MERGE;
      const after = next[right] as number;
      next[place] = after;
      if (after < count) previous[after] = place;
      consider(place);
      if (place > 0) consider(previous[place] as number);
    }
    let end = at;
    for (let place = 0; place < count; place = next[place] as number) into[end++] = ids[place] as number;
    return end;
  }
}

/** A binary heap of numbers. */
class MinHeap {
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  push(key: number): void {
    if (this.#size === this.#keys.length) {
      const larger = new Float64Array(this.#size * 2 + 1);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    const keys = this.#keys;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((keys[parent] as number) <= key) break;
      keys[at] = keys[parent] as number;
      at = parent;
    }
    keys[at] = key;
  }

  pop(): number {
    const keys = this.#keys;
    const top = keys[0] as number;
    const key = keys[--this.#size] as number;
    const size = this.#size;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      if ((keys[child] as number) >= key) break;
      keys[at] = keys[child] as number;
      at = child;
    }
    keys[at] = key;
    return top;
  }
}
