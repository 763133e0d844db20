/** Longest word that is remembered, in bytes; longer ones hardly ever come twice. */
export const LONGEST_CACHED = 128;

/** Slots of the index; at most three quarters of them are used. */
const SLOTS = 1 << 18;
const MOST_WORDS = (SLOTS / 4) * 3;

/** Bits of an index slot that say where the word's record is; the other bits are the highest of its hash. */
const PLACE_BITS = 21;
const PLACE_MASK = (1 << PLACE_BITS) - 1;

/** A record is [length · 256 + count, key…, ids…]: bytes of the word, number of ids, the word four bytes at a time. */
const LONGEST_RECORD = 1 + Math.ceil(LONGEST_CACHED / 4) + LONGEST_CACHED;

/**
 * Ids of the words met lately: an index by hash over records one after another. When either is full everything is
 * forgotten, which costs less than keeping count of what is used.
 */
export class WordCache {
  readonly #index = new Int32Array(SLOTS);
  readonly #records = new Int32Array(1 << PLACE_BITS);
  /** Place 0 is never used, so that 0 in the index means empty. */
  #used = 1;
  #words = 0;

  /** Copies the ids of a word to `into` from `at` on and returns how many they are, 0 if the word is not here. */
  find(view: DataView, start: number, length: number, hash: number, into: Uint32Array, at: number): number {
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const entry = this.#index[slot] as number;
      if (entry === 0) return 0;
      if ((entry ^ hash) >>> PLACE_BITS !== 0) continue;
      const place = entry & PLACE_MASK;
      const header = this.#records[place] as number;
      if (header >> 8 !== length || !this.#isKey(place + 1, view, start, length)) continue;
      const count = header & 0xff;
      const ids = place + 1 + ((length + 3) >> 2);
      for (let i = 0; i < count; i++) into[at + i] = this.#records[ids + i] as number;
      return count;
    }
  }

  /** Remembers the ids [from, to) of `ids` for a word that is not here. */
  store(view: DataView, start: number, length: number, hash: number, ids: Uint32Array, from: number, to: number): void {
    if (this.#words === MOST_WORDS || this.#used + LONGEST_RECORD > this.#records.length) this.#clear();
    const records = this.#records;
    let slot = hash & (SLOTS - 1);
    while (this.#index[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#index[slot] = (hash & ~PLACE_MASK) | this.#used;
    this.#words++;
    let place = this.#used;
    records[place++] = (length << 8) | (to - from);
    if (length < 4) records[place++] = shortKey(view, start, length);
    else {
      const last = start + length - 4;
      for (let i = start; i < last; i += 4) records[place++] = view.getInt32(i, true);
      records[place++] = view.getInt32(last, true);
    }
    for (let i = from; i < to; i++) records[place++] = ids[i] as number;
    this.#used = place;
  }

  #isKey(key: number, view: DataView, start: number, length: number): boolean {
    const records = this.#records;
    if (length < 4) return records[key] === shortKey(view, start, length);
    const last = start + length - 4;
    let at = key;
    for (let i = start; i < last; i += 4) if (records[at++] !== view.getInt32(i, true)) return false;
    return records[at] === view.getInt32(last, true);
  }

  #clear(): void {
    this.#index.fill(0);
    this.#used = 1;
    this.#words = 0;
  }
}

/** One to three bytes as a number. */
function shortKey(view: DataView, start: number, length: number): number {
  return view.getInt32(start, true) & (0xffffff >> (8 * (3 - length)));
}
