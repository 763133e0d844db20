/** Longest word that is remembered, in bytes. */
export const LONGEST_CACHED = 24;

/** Most ids that a remembered word may have. */
const MOST_IDS = 9;

/** 32-bit numbers per entry: length and count in one, six of key, nine ids; 64 bytes, one cache line. */
const ENTRY = 16;
const KEY = 1;
const IDS = 7;
const ENTRIES = 1 << 16;

/**
 * Ids of the words met lately. Each word has one place, given by its hash, and the newer word takes it; so the cache
 * needs no bookkeeping and its size never changes.
 */
export class WordCache {
  readonly #entries = new Int32Array(ENTRIES * ENTRY);

  /** Copies the ids of a word to `into` from `at` on and returns how many they are, 0 if the word is not here. */
  find(view: DataView, start: number, length: number, hash: number, into: Uint32Array, at: number): number {
    const entries = this.#entries;
    const entry = (hash & (ENTRIES - 1)) * ENTRY;
    const header = entries[entry] as number;
    if (header >> 8 !== length || !this.#isKey(entry + KEY, view, start, length)) return 0;
    const count = header & 0xff;
    into[at] = entries[entry + IDS] as number;
    for (let i = 1; i < count; i++) into[at + i] = entries[entry + IDS + i] as number;
    return count;
  }

  /** Remembers the ids [from, to) of `ids` for a word; without effect if they are too many. */
  store(view: DataView, start: number, length: number, hash: number, ids: Uint32Array, from: number, to: number): void {
    const count = to - from;
    if (count > MOST_IDS) return;
    const entries = this.#entries;
    const entry = (hash & (ENTRIES - 1)) * ENTRY;
    entries[entry] = (length << 8) | count;
    if (length < 4) entries[entry + KEY] = shortKey(view, start, length);
    else {
      const last = length - 4;
      let key = entry + KEY;
      for (let i = 0; i < last; i += 4) entries[key++] = view.getInt32(start + i, true);
      entries[key] = view.getInt32(start + last, true);
    }
    for (let i = 0; i < count; i++) entries[entry + IDS + i] = ids[from + i] as number;
  }

  #isKey(key: number, view: DataView, start: number, length: number): boolean {
    const entries = this.#entries;
    if (length < 4) return entries[key] === shortKey(view, start, length);
    const last = length - 4;
    let at = key;
    for (let i = 0; i < last; i += 4) if (entries[at++] !== view.getInt32(start + i, true)) return false;
    return entries[at] === view.getInt32(start + last, true);
  }
}

/** One to three bytes as a number. */
function shortKey(view: DataView, start: number, length: number): number {
  return view.getInt32(start, true) & (0xffffff >> (8 * (3 - length)));
}
