import { COMBINING_CLASSES, COMPOSITES, REPLACED } from "./unicode-data.ts";
import { MAY_CHANGE_IN_NFC, unpack } from "./unicode.ts";
import { codePointAt, previousStart, utf8Length, writeCodePoint } from "./utf8.ts";

/**
 * A stretch of normalised code points. `consumed[i]` is how many code points of the original went into
 * `codePoints[i]`: 0 for the second and later parts of a decomposition, 2 and more for a composition.
 */
export interface NormalizedRun {
  readonly codePoints: number[];
  readonly consumed: number[];
}

const HANGUL = { syllables: 0xac00, leads: 0x1100, vowels: 0x1161, trails: 0x11a7, vowelCount: 21, trailCount: 28 };
const HANGUL_LEADS = 19;
const HANGUL_SYLLABLES = 11172;

/** Rank of the combining class in the lower bits of a code point's traits. */
const RANK = 0x3f;
/** May compose with a character before it. */
const JOINS = 0x40;
/** Has a canonical decomposition that is not composed again. */
const REPLACED_ALWAYS = 0x80;

/** No code point from here on has traits. */
const TRAITS_END = 0x30000;

/** Smallest lead byte of a code point that NFC may change: U+0300. */
const FIRST_SUSPECT_LEAD = 0xcc;

/**
 * Unicode normalisation form C with the original tokenizer's data. Not `String.prototype.normalize`, whose data is the
 * engine's: the original leaves about 170 newer characters alone that today's engines compose or reorder.
 */
export class Nfc {
  readonly #classes: Uint8Array;
  readonly #traits = new Uint8Array(TRAITS_END);
  readonly #composites = new Map<number, number>();
  readonly #decompositions = new Map<number, readonly number[]>();

  /** @param classes the class bits of every code point */
  constructor(classes: Uint8Array) {
    this.#classes = classes;
    const add = (codePoint: number, trait: number): void => {
      this.#traits[codePoint] = (this.#traits[codePoint] as number) | trait;
    };
    for (const [first = 0, extra = 0, rank = 0] of unpack(COMBINING_CLASSES)) {
      for (let mark = first; mark <= first + extra; mark++) add(mark, rank);
    }
    for (const [composite = 0, first = 0, second = 0] of unpack(COMPOSITES)) {
      this.#composites.set(pairKey(first, second), composite);
      this.#decompositions.set(composite, [first, second]);
      add(second, JOINS);
    }
    for (const [codePoint = 0, ...replacement] of unpack(REPLACED)) {
      this.#decompositions.set(codePoint, replacement);
      add(codePoint, REPLACED_ALWAYS);
    }
    for (let i = 0; i < HANGUL.vowelCount; i++) add(HANGUL.vowels + i, JOINS);
    for (let i = 1; i < HANGUL.trailCount; i++) add(HANGUL.trails + i, JOINS);
  }

  /** False if NFC changes [start, end), and in rare cases where it does not. */
  isNormalized(bytes: Uint8Array, start: number, end: number): boolean {
    let starter = -1;
    let lastRank = 0;
    let marksEnd = -1;
    for (let at = start; at < end;) {
      const lead = bytes[at] as number;
      if (lead < FIRST_SUSPECT_LEAD) {
        at += lead < 0x80 ? 1 : 2;
        continue;
      }
      const codePoint = codePointAt(bytes, at);
      const next = at + utf8Length(codePoint);
      if (((this.#classes[codePoint] as number) & MAY_CHANGE_IN_NFC) !== 0) {
        if (marksEnd !== at) {
          starter = at === start ? -1 : codePointAt(bytes, previousStart(bytes, at));
          lastRank = 0;
        }
        if (!this.#isStable(starter, lastRank, codePoint)) return false;
        lastRank = (this.#traits[codePoint] as number) & RANK;
        if (lastRank === 0) starter = codePoint;
        marksEnd = next;
      }
      at = next;
    }
    return true;
  }

  /** True if NFC leaves `codePoint` in place behind `starter` and marks of which the last has `lastRank` (0 for none). */
  #isStable(starter: number, lastRank: number, codePoint: number): boolean {
    const traits = this.#traits[codePoint] as number;
    const rank = traits & RANK;
    if ((traits & REPLACED_ALWAYS) !== 0 || (rank !== 0 && rank < lastRank)) return false;
    if ((traits & JOINS) === 0 || starter === -1) return true;
    if (this.#decompositions.has(starter) || isSyllable(starter)) return false;
    const isBlocked = lastRank !== 0 && lastRank >= rank;
    return isBlocked || this.#composite(starter, codePoint) === undefined;
  }

  /**
   * The runs of [start, end) that have to be looked at: each begins with a code point that never changes (unless the
   * text begins with one that may) and ends before the next such one.
   */
  *suspectRuns(bytes: Uint8Array, start: number, end: number): Generator<{ start: number; end: number }> {
    let done = start;
    for (;;) {
      const suspect = this.#findSuspect(bytes, done, end);
      if (suspect === end) return;
      const first = suspect > done ? previousStart(bytes, suspect) : suspect;
      done = suspect;
      while (done < end) {
        const codePoint = codePointAt(bytes, done);
        if (((this.#classes[codePoint] as number) & MAY_CHANGE_IN_NFC) === 0) break;
        done += utf8Length(codePoint);
      }
      yield { start: first, end: done };
    }
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
      if (((this.#classes[codePoint] as number) & MAY_CHANGE_IN_NFC) !== 0) return at;
      at += utf8Length(codePoint);
    }
    return end;
  }

  /** NFC of a short text. */
  normalize(text: string): string {
    const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    return String.fromCodePoint(...this.normalizeRun(codePoints).codePoints);
  }

  /** Normalises one run of code points. */
  normalizeRun(codePoints: readonly number[]): NormalizedRun {
    return this.#compose(this.#decompose(codePoints));
  }

  /** Decomposes and puts the marks behind each starter into canonical order. */
  #decompose(codePoints: readonly number[]): NormalizedRun {
    const run: NormalizedRun = { codePoints: [], consumed: [] };
    let pending: { codePoint: number; consumed: number; rank: number }[] = [];
    const flush = (): void => {
      for (const mark of pending.toSorted((a, b) => a.rank - b.rank)) {
        run.codePoints.push(mark.codePoint);
        run.consumed.push(mark.consumed);
      }
      pending = [];
    };
    for (const original of codePoints) {
      for (const [index, codePoint] of this.#fullDecomposition(original).entries()) {
        const rank = this.#rankOf(codePoint);
        if (rank === 0) flush();
        pending.push({ codePoint, consumed: index === 0 ? 1 : 0, rank });
      }
    }
    flush();
    return run;
  }

  #fullDecomposition(codePoint: number): number[] {
    if (isSyllable(codePoint)) return decomposeHangul(codePoint - HANGUL.syllables);
    const parts = this.#decompositions.get(codePoint);
    return parts === undefined ? [codePoint] : parts.flatMap((part) => this.#fullDecomposition(part));
  }

  /** Joins each mark with the last starter unless a mark of the same or a higher class stands between them. */
  #compose({ codePoints, consumed }: NormalizedRun): NormalizedRun {
    const run: NormalizedRun = { codePoints: [], consumed: [] };
    let starter = -1;
    let lastRank = -1;
    for (const [index, codePoint] of codePoints.entries()) {
      const rank = this.#rankOf(codePoint);
      const base = run.codePoints[starter];
      if (base !== undefined && lastRank < rank) {
        const composite = this.#composite(base, codePoint);
        if (composite !== undefined) {
          run.codePoints[starter] = composite;
          run.consumed[starter] = (run.consumed[starter] ?? 0) + (consumed[index] ?? 0);
          continue;
        }
      }
      if (rank === 0) starter = run.codePoints.length;
      lastRank = rank === 0 ? -1 : rank;
      run.codePoints.push(codePoint);
      run.consumed.push(consumed[index] ?? 0);
    }
    return run;
  }

  #rankOf(codePoint: number): number {
    return codePoint < TRAITS_END ? (this.#traits[codePoint] as number) & RANK : 0;
  }

  #composite(first: number, second: number): number | undefined {
    return composeHangul(first, second) ?? this.#composites.get(pairKey(first, second));
  }
}

function isSyllable(codePoint: number): boolean {
  return codePoint >= HANGUL.syllables && codePoint < HANGUL.syllables + HANGUL_SYLLABLES;
}

function pairKey(first: number, second: number): number {
  return first * 0x110000 + second;
}

function decomposeHangul(syllable: number): number[] {
  const { leads, vowels, trails, vowelCount, trailCount } = HANGUL;
  const trail = syllable % trailCount;
  const vowel = Math.floor(syllable / trailCount) % vowelCount;
  const parts = [leads + Math.floor(syllable / (trailCount * vowelCount)), vowels + vowel];
  return trail === 0 ? parts : [...parts, trails + trail];
}

function composeHangul(first: number, second: number): number | undefined {
  const { syllables, leads, vowels, trails, vowelCount, trailCount } = HANGUL;
  const lead = first - leads;
  const vowel = second - vowels;
  if (lead >= 0 && lead < HANGUL_LEADS && vowel >= 0 && vowel < vowelCount) {
    return syllables + (lead * vowelCount + vowel) * trailCount;
  }
  const trail = second - trails;
  const isOpen = isSyllable(first) && (first - syllables) % trailCount === 0;
  return isOpen && trail > 0 && trail < trailCount ? first + trail : undefined;
}

/** The code points of [start, end). */
export function codePointsOf(bytes: Uint8Array, start: number, end: number): number[] {
  const codePoints: number[] = [];
  for (let at = start; at < end;) {
    const codePoint = codePointAt(bytes, at);
    codePoints.push(codePoint);
    at += utf8Length(codePoint);
  }
  return codePoints;
}

/** Writes code points at `at`, returns the position behind them. */
export function writeCodePoints(bytes: Uint8Array, at: number, codePoints: readonly number[]): number {
  let end = at;
  for (const codePoint of codePoints) end = writeCodePoint(bytes, end, codePoint);
  return end;
}
