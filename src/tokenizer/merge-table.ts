const MIX_LEFT = 0x9e3779b1;
const MIX_RIGHT = 0x85ebca6b;

/** Slots per merge. */
const SPARSENESS = 3;

/** The filter has 2 bits per slot. */
const FILTER_SHIFT = 1;

const FIELDS = 4;

/** Rank of a pair that does not merge; higher than any rank. */
export const NO_MERGE = 0x7fffffff;

/**
 * (left id, right id) → rank, and rank → joined id. A rank is the merge's place in tokenizer.json; low ones go first.
 *
 * Most pairs that are looked up do not merge. A filter of one bit per hash, small enough for a core's own cache, tells
 * nearly all of them without a look at the table.
 */
export class MergeTable {
  /** Rank + 1, or 0 for an empty slot. */
  #slots: Int32Array;
  #filter: Int32Array;
  /** Left, right and joined id of every rank, and one number more, so that each is in one cache line. */
  #merges: Int32Array;
  #count = 0;

  /** @param count how many merges to expect; more are taken too */
  constructor(count: number) {
    const bits = 32 - Math.clz32(count * SPARSENESS + 1);
    this.#slots = new Int32Array(1 << bits);
    this.#filter = new Int32Array(Math.max(1, (1 << (bits + FILTER_SHIFT)) >> 5));
    this.#merges = new Int32Array(FIELDS * count);
  }

  get count(): number {
    return this.#count;
  }

  /** Gives the pair the next rank; false if it has one already. */
  add(left: number, right: number, joined: number): boolean {
    if (FIELDS * this.#count === this.#merges.length) this.#grow();
    const hash = hashPair(left, right);
    const slot = this.#slotOf(hash, left, right);
    if (this.#slots[slot] !== 0) return false;
    const rank = this.#count++;
    this.#merges[FIELDS * rank] = left;
    this.#merges[FIELDS * rank + 1] = right;
    this.#merges[FIELDS * rank + 2] = joined;
    this.#fill(slot, hash, rank);
    return true;
  }

  /** Rank of the pair's merge, or NO_MERGE. */
  rank(left: number, right: number): number {
    const hash = hashPair(left, right);
    const bit = hash & (this.#filter.length * 32 - 1);
    if (((this.#filter[bit >> 5] as number) & (1 << (bit & 31))) === 0) return NO_MERGE;
    const entry = this.#slots[this.#slotOf(hash, left, right)] as number;
    return entry === 0 ? NO_MERGE : entry - 1;
  }

  /** Id of the token that the merge of a rank makes. */
  joined(rank: number): number {
    return this.#merges[FIELDS * rank + 2] as number;
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  #slotOf(hash: number, left: number, right: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = (hash >>> FILTER_SHIFT) & mask; ; slot = (slot + 1) & mask) {
      const at = FIELDS * ((this.#slots[slot] as number) - 1);
      if (at < 0 || (this.#merges[at] === left && this.#merges[at + 1] === right)) return slot;
    }
  }

  #fill(slot: number, hash: number, rank: number): void {
    const bit = hash & (this.#filter.length * 32 - 1);
    this.#filter[bit >> 5] = (this.#filter[bit >> 5] as number) | (1 << (bit & 31));
    this.#slots[slot] = rank + 1;
  }

  #grow(): void {
    const larger = new MergeTable(2 * this.#count + 1);
    for (let at = 0; at < this.#merges.length; at += FIELDS) {
      larger.add(this.#merges[at] as number, this.#merges[at + 1] as number, this.#merges[at + 2] as number);
    }
    this.#slots = larger.#slots;
    this.#filter = larger.#filter;
    this.#merges = larger.#merges;
  }
}

function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, MIX_LEFT) ^ Math.imul(right, MIX_RIGHT);
  return mixed ^ (mixed >>> 15);
}
