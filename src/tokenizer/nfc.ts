import { Composition, DECOMPOSES, JOINS, MAY_CHANGE, RANK, REPLACED_ALWAYS } from "./composition.ts";
import { NfcRun } from "./nfc-run.ts";
import { codePointAt, previousStart, utf8Length, writeCodePoint } from "./utf8.ts";

/** Smallest lead byte of a code point that NFC may change: U+0300. */
const FIRST_SUSPECT_LEAD = 0xcc;

/** NFC never makes UTF-8 more than so many times longer. */
export const MOST_GROWTH = 3;

/**
 * Unicode normalisation form C with the original tokenizer's data. Not `String.prototype.normalize`, whose data is the
 * engine's: the original leaves about 170 newer characters alone that today's engines compose or reorder.
 */
export class Nfc {
  readonly #composition = new Composition();
  readonly #run = new NfcRun(this.#composition);

  /** False if NFC changes [start, end), and in rare cases where it does not. */
  isNormalized(bytes: Uint8Array, start: number, end: number): boolean {
    let starter = -1;
    let lastRank = 0;
    let marksEnd = -1;
    for (let at = this.#findSuspect(bytes, start, end); at < end; at = this.#findSuspect(bytes, marksEnd, end)) {
      const codePoint = codePointAt(bytes, at);
      if (marksEnd !== at) {
        starter = at === start ? -1 : codePointAt(bytes, previousStart(bytes, at));
        lastRank = 0;
      }
      if (!this.#isStable(starter, lastRank, codePoint)) return false;
      lastRank = this.#composition.traits(codePoint) & RANK;
      if (lastRank === 0) starter = codePoint;
      marksEnd = at + utf8Length(codePoint);
    }
    return true;
  }

  /** True if NFC leaves `codePoint` in place behind `starter` and marks of which the last has `lastRank` (0 for none). */
  #isStable(starter: number, lastRank: number, codePoint: number): boolean {
    const traits = this.#composition.traits(codePoint);
    const rank = traits & RANK;
    if ((traits & REPLACED_ALWAYS) !== 0 || (rank !== 0 && rank < lastRank)) return false;
    if ((traits & JOINS) === 0 || starter === -1) return true;
    if ((this.#composition.traits(starter) & DECOMPOSES) !== 0) return false;
    const isBlocked = lastRank !== 0 && lastRank >= rank;
    return isBlocked || this.#composition.composite(starter, codePoint) === -1;
  }

  /** First position in [start, end) of a code point that NFC may change, or `end`. */
  #findSuspect(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end;) {
      const lead = bytes[at] as number;
      if (lead < FIRST_SUSPECT_LEAD) {
        at += lead < 0x80 ? 1 : 2;
        continue;
      }
      const codePoint = codePointAt(bytes, at);
      if ((this.#composition.traits(codePoint) & MAY_CHANGE) !== 0) return at;
      at += utf8Length(codePoint);
    }
    return end;
  }

  /**
   * Writes the NFC of [start, end) of `bytes` to the beginning of `into` and returns its length.
   *
   * @param into has room for MOST_GROWTH times the bytes
   */
  write(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
    let from = start;
    let to = 0;
    while (from < end) {
      // A run begins with the code point before the first that may change, and ends before the next that may not.
      const suspect = this.#findSuspect(bytes, from, end);
      const first = suspect > from && suspect < end ? previousStart(bytes, suspect) : suspect;
      while (from < first) into[to++] = bytes[from++] as number;
      from = this.#readRun(bytes, first, suspect, end);
      to = this.#writeRun(into, to);
    }
    return to;
  }

  /** Takes the code points from `first` on that belong to one run; those before `suspect` never change. */
  #readRun(bytes: Uint8Array, first: number, suspect: number, end: number): number {
    const run = this.#run;
    run.clear();
    let at = first;
    while (at < end) {
      const codePoint = codePointAt(bytes, at);
      if (at >= suspect && (this.#composition.traits(codePoint) & MAY_CHANGE) === 0) break;
      run.add(codePoint);
      at += utf8Length(codePoint);
    }
    run.compose();
    return at;
  }

  #writeRun(into: Uint8Array, at: number): number {
    let to = at;
    for (let i = 0; i < this.#run.length; i++) to = writeCodePoint(into, to, this.#run.codePoint(i));
    return to;
  }

  /** NFC of all code points as one run, to be read before the next call. */
  normalize(codePoints: Iterable<number>): NfcRun {
    this.#run.clear();
    for (const codePoint of codePoints) this.#run.add(codePoint);
    this.#run.compose();
    return this.#run;
  }
}
