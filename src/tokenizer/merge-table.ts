const MIX_LEFT = 0x9e3779b1;
const MIX_RIGHT = 0x85ebca6b;
/** Slots per merge, so that most of the pairs that do not merge meet an empty slot at once. */
const SPARSENESS = 3;

/** Rank of a pair that does not merge; higher than any rank. */
export const NO_MERGE = 0x7fffffff;

/** (left id, right id) → rank, and rank → joined id. A rank is the merge's place in tokenizer.json; low ones go first. */
export class MergeTable {
  /** Rank + 1, or 0 for an empty slot. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  /** Left and right id of every rank. */
  readonly #pairs: Int32Array;
  readonly #joined: Int32Array;

  /** @param count how many merges will be added */
  constructor(count: number) {
    const bits = 32 - Math.clz32(count * SPARSENESS + 1);
    this.#slots = new Int32Array(1 << bits);
    this.#mask = (1 << bits) - 1;
    this.#pairs = new Int32Array(2 * count);
    this.#joined = new Int32Array(count);
  }

  /** Adds the merge of a rank; false if the pair has one already. */
  add(left: number, right: number, rank: number, joined: number): boolean {
    if (this.rank(left, right) !== NO_MERGE) return false;
    let slot = this.#home(left, right);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = rank + 1;
    this.#pairs[2 * rank] = left;
    this.#pairs[2 * rank + 1] = right;
    this.#joined[rank] = joined;
    return true;
  }

  /** Rank of the pair's merge, or NO_MERGE. */
  rank(left: number, right: number): number {
    for (let slot = this.#home(left, right); ; slot = (slot + 1) & this.#mask) {
      const rank = (this.#slots[slot] as number) - 1;
      if (rank === -1) return NO_MERGE;
      if (this.#pairs[2 * rank] === left && this.#pairs[2 * rank + 1] === right) return rank;
    }
  }

  /** Id of the token that the merge of a rank makes. */
  joined(rank: number): number {
    return this.#joined[rank] as number;
  }

  #home(left: number, right: number): number {
    const mixed = Math.imul(left, MIX_LEFT) ^ Math.imul(right, MIX_RIGHT);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }
}
