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

/**
 * Unicode normalisation form C with the original tokenizer's data. Not `String.prototype.normalize`, whose data is the
 * engine's: the original leaves about 170 newer characters alone that today's engines compose or reorder.
 */
export class Nfc {
  readonly #classes: Uint8Array;
  readonly #rank = new Map<number, number>();
  readonly #composites = new Map<number, number>();
  readonly #decompositions = new Map<number, readonly number[]>();

  /** @param classes the class bits of every code point */
  constructor(classes: Uint8Array) {
    this.#classes = classes;
    for (const [first = 0, extra = 0, rank = 0] of unpack(COMBINING_CLASSES)) {
      for (let mark = first; mark <= first + extra; mark++) this.#rank.set(mark, rank);
    }
    for (const [composite = 0, first = 0, second = 0] of unpack(COMPOSITES)) {
      this.#composites.set(pairKey(first, second), composite);
      this.#decompositions.set(composite, [first, second]);
    }
    for (const [codePoint = 0, ...replacement] of unpack(REPLACED)) this.#decompositions.set(codePoint, replacement);
  }

  /** First position in [start, end) of a code point that NFC may change, or `end`. */
  findSuspect(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end;) {
      const lead = bytes[at] as number;
      if (lead < 0x80) {
        at++;
        continue;
      }
      const codePoint = codePointAt(bytes, at);
      if (((this.#classes[codePoint] as number) & MAY_CHANGE_IN_NFC) !== 0) return at;
      at += utf8Length(codePoint);
    }
    return end;
  }

  /**
   * The runs of [start, end) that have to be looked at: each begins with a code point that never changes (unless the
   * text begins with one that may) and ends before the next such one.
   */
  *suspectRuns(bytes: Uint8Array, start: number, end: number): Generator<{ start: number; end: number }> {
    let done = start;
    for (;;) {
      const suspect = this.findSuspect(bytes, done, end);
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
        const rank = this.#rank.get(codePoint) ?? 0;
        if (rank === 0) flush();
        pending.push({ codePoint, consumed: index === 0 ? 1 : 0, rank });
      }
    }
    flush();
    return run;
  }

  #fullDecomposition(codePoint: number): number[] {
    const syllable = codePoint - HANGUL.syllables;
    if (syllable >= 0 && syllable < HANGUL_SYLLABLES) return decomposeHangul(syllable);
    const parts = this.#decompositions.get(codePoint);
    return parts === undefined ? [codePoint] : parts.flatMap((part) => this.#fullDecomposition(part));
  }

  /** Joins each mark with the last starter unless a mark of the same or a higher class stands between them. */
  #compose({ codePoints, consumed }: NormalizedRun): NormalizedRun {
    const run: NormalizedRun = { codePoints: [], consumed: [] };
    let starter = -1;
    let lastRank = -1;
    for (const [index, codePoint] of codePoints.entries()) {
      const rank = this.#rank.get(codePoint) ?? 0;
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

  #composite(first: number, second: number): number | undefined {
    return composeHangul(first, second) ?? this.#composites.get(pairKey(first, second));
  }
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
  const syllable = first - syllables;
  const trail = second - trails;
  const isOpen = syllable >= 0 && syllable < HANGUL_SYLLABLES && syllable % trailCount === 0;
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
