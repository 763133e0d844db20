import { type MergeTable, NO_MERGE } from "./merge-table.ts";

/** A pair is kept as rank · 256 + place: the least of them is the next to be joined. */
const PLACE_BITS = 8;
const PLACE_MASK = (1 << PLACE_BITS) - 1;
const NO_PAIR = 0x7fffffff;

/** Longest stretch, in bytes. */
export const LONGEST_SCAN: number = 1 << PLACE_BITS;

/** The least pair of so many places is known, so that only a few of them are looked through each time. */
const BLOCK_BITS = 4;
const BLOCK = 1 << BLOCK_BITS;

/** Byte-pair encoding of a few bytes: looks through the pairs for the next one each time. */
export class BpeScan {
  readonly #merges: MergeTable;
  readonly #byteIds: Int32Array;
  /** The pair of every two bytes, at place 0; −1 if not looked up yet. */
  readonly #bytePairs: Int32Array = new Int32Array(0x10000).fill(-1);
  /** The parts, each at the place of its first byte and linked to its neighbours. */
  readonly #ids = new Int32Array(LONGEST_SCAN);
  readonly #next = new Int32Array(LONGEST_SCAN);
  readonly #previous = new Int32Array(LONGEST_SCAN + 1);
  /** The pair of each part and the next. */
  readonly #pairs = new Int32Array(LONGEST_SCAN);
  /** The least pair of each block of places. */
  readonly #blocks = new Int32Array(LONGEST_SCAN / BLOCK);

  /** @param byteIds id of every single byte */
  constructor(merges: MergeTable, byteIds: Int32Array) {
    this.#merges = merges;
    this.#byteIds = byteIds;
  }

  /** Writes the ids of [start, end) at `at` and returns the position behind them. */
  encode(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): number {
    const length = end - start;
    this.#split(bytes, start, length);
    if (length <= BLOCK) {
      for (let pair = least(this.#pairs, 0, length); hasRank(pair); pair = least(this.#pairs, 0, length)) {
        this.#join(pair, length);
      }
    } else this.#joinBlocks(length);
    let to = at;
    for (let place = 0; place < length; place = this.#next[place] as number) into[to++] = this.#ids[place] as number;
    return to;
  }

  /** One part per byte. */
  #split(bytes: Uint8Array, start: number, length: number): void {
    const last = length - 1;
    let byte = bytes[start] as number;
    for (let place = 0; place < last; place++) {
      const nextByte = bytes[start + place + 1] as number;
      this.#ids[place] = this.#byteIds[byte] as number;
      // NO_PAIR has all bits set but the sign, so that a place leaves it as it is.
      this.#pairs[place] = this.#bytePair(byte, nextByte) | place;
      this.#next[place] = place + 1;
      this.#previous[place + 1] = place;
      byte = nextByte;
    }
    this.#ids[last] = this.#byteIds[byte] as number;
    this.#pairs[last] = NO_PAIR;
    this.#next[last] = length;
  }

  #bytePair(left: number, right: number): number {
    const index = (left << 8) | right;
    const known = this.#bytePairs[index] as number;
    if (known !== -1) return known;
    const pair = this.#pair(this.#byteIds[left] as number, this.#byteIds[right] as number, 0);
    this.#bytePairs[index] = pair;
    return pair;
  }

  #joinBlocks(length: number): void {
    const count = (length + BLOCK - 1) >> BLOCK_BITS;
    this.#pairs.fill(NO_PAIR, length, count << BLOCK_BITS);
    for (let block = 0; block < count; block++) this.#refresh(block);
    for (let pair = least(this.#blocks, 0, count); hasRank(pair); pair = least(this.#blocks, 0, count)) {
      const place = pair & PLACE_MASK;
      const right = this.#next[place] as number;
      const first = (place === 0 ? 0 : (this.#previous[place] as number)) >> BLOCK_BITS;
      this.#join(pair, length);
      for (let block = first; block <= right >> BLOCK_BITS; block++) this.#refresh(block);
    }
  }

  #refresh(block: number): void {
    this.#blocks[block] = least(this.#pairs, block << BLOCK_BITS, (block + 1) << BLOCK_BITS);
  }

  #join(pair: number, length: number): void {
    const pairs = this.#pairs;
    const place = pair & PLACE_MASK;
    const right = this.#next[place] as number;
    const after = this.#next[right] as number;
    const joined = this.#merges.joined(pair >> PLACE_BITS);
    this.#ids[place] = joined;
    this.#next[place] = after;
    this.#previous[after] = place;
    pairs[right] = NO_PAIR;
    pairs[place] = after < length ? this.#pair(joined, this.#ids[after] as number, place) : NO_PAIR;
    if (place > 0) {
      const before = this.#previous[place] as number;
      pairs[before] = this.#pair(this.#ids[before] as number, joined, before);
    }
  }

  #pair(left: number, right: number, place: number): number {
    const rank = this.#merges.rank(left, right);
    return rank === NO_MERGE ? NO_PAIR : (rank << PLACE_BITS) | place;
  }
}

/** The least number in [from, to). */
function least(numbers: Int32Array, from: number, to: number): number {
  let lowest = NO_PAIR;
  for (let i = from; i < to; i++) {
    // Without a branch, as that would be mispredicted in nearly every word.
    const difference = (numbers[i] as number) - lowest;
    lowest += difference & (difference >> 31);
  }
  return lowest;
}

function hasRank(pair: number): boolean {
  return pair !== NO_PAIR;
}
