const FIELDS = 4;
const MIX_LEFT = 0x9e3779b1;
const MIX_RIGHT = 0x85ebca6b;

/** (left id, right id) → (rank, joined id): open addressing in one array, `[left, right, rank, joined]` per slot. */
export class MergeTable {
  readonly #slots: Int32Array;
  readonly #shift: number;

  /** @param count how many merges will be added */
  constructor(count: number) {
    const bits = 32 - Math.clz32(Math.max(1, count) * 2 - 1);
    this.#slots = new Int32Array(FIELDS << bits).fill(-1);
    this.#shift = 32 - bits;
  }

  /** Adds a merge; false if the pair is there already. */
  add(left: number, right: number, rank: number, joined: number): boolean {
    const slots = this.#slots;
    let at = this.#home(left, right);
    while (slots[at] !== -1) {
      if (slots[at] === left && slots[at + 1] === right) return false;
      at = at + FIELDS === slots.length ? 0 : at + FIELDS;
    }
    slots[at] = left;
    slots[at + 1] = right;
    slots[at + 2] = rank;
    slots[at + 3] = joined;
    return true;
  }

  /** Where the pair's rank and joined id are kept, or −1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    let at = this.#home(left, right);
    while (slots[at] !== -1) {
      if (slots[at] === left && slots[at + 1] === right) return at;
      at = at + FIELDS === slots.length ? 0 : at + FIELDS;
    }
    return -1;
  }

  rank(slot: number): number {
    return this.#slots[slot + 2] as number;
  }

  id(slot: number): number {
    return this.#slots[slot + 3] as number;
  }

  #home(left: number, right: number): number {
    return ((Math.imul(left, MIX_LEFT) ^ Math.imul(right, MIX_RIGHT)) >>> this.#shift) * FIELDS;
  }
}
