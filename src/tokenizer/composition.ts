import { COMBINING_CLASSES, COMPOSITES, REPLACED } from "./unicode-data.ts";
import { unpack } from "./unicode.ts";

/** Rank of the combining class in the lower bits of a code point's traits; 0 for a starter. */
export const RANK = 0x3f;
/** May compose with a character before it. */
export const JOINS = 0x40;
/** NFC always replaces it. */
export const REPLACED_ALWAYS = 0x80;
/** Has a canonical decomposition. */
export const DECOMPOSES = 0x100;

/** A text in which no code point has any of these is in NFC. */
export const MAY_CHANGE: number = RANK | JOINS | REPLACED_ALWAYS;

/** No code point from here on has traits. */
const TRAITS_END = 0x30000;

const SYLLABLES = 0xac00;
const SYLLABLES_END = 0xd7a4;
const LEADS = 0x1100;
const LEAD_COUNT = 19;
const VOWELS = 0x1161;
const VOWEL_COUNT = 21;
/** One before the first trailing consonant; the count includes "none". */
const TRAILS = 0x11a7;
const TRAIL_COUNT = 28;

/** What the original's NFC knows about single code points and pairs: data of about Unicode 9. */
export class Composition {
  readonly #traits = new Uint16Array(TRAITS_END);
  readonly #composites = new Map<number, number>();
  readonly #decompositions = new Map<number, readonly number[]>();

  constructor() {
    for (const [first = 0, extra = 0, rank = 0] of unpack(COMBINING_CLASSES)) {
      for (let mark = first; mark <= first + extra; mark++) this.#add(mark, rank);
    }
    for (const [composite = 0, first = 0, second = 0] of unpack(COMPOSITES)) {
      this.#composites.set(pairKey(first, second), composite);
      this.#decompositions.set(composite, [first, second]);
      this.#add(composite, DECOMPOSES);
      this.#add(second, JOINS);
    }
    for (const [codePoint = 0, ...replacement] of unpack(REPLACED)) {
      this.#decompositions.set(codePoint, replacement);
      this.#add(codePoint, DECOMPOSES | REPLACED_ALWAYS);
    }
    for (let i = 0; i < VOWEL_COUNT; i++) this.#add(VOWELS + i, JOINS);
    for (let i = 1; i < TRAIL_COUNT; i++) this.#add(TRAILS + i, JOINS);
    this.#traits.fill(DECOMPOSES, SYLLABLES, SYLLABLES_END);
  }

  traits(codePoint: number): number {
    return codePoint < TRAITS_END ? (this.#traits[codePoint] as number) : 0;
  }

  /** One step of the decomposition of a code point that decomposes; its parts may decompose further. */
  decomposition(codePoint: number): readonly number[] {
    return this.#decompositions.get(codePoint) ?? decomposeSyllable(codePoint - SYLLABLES);
  }

  /** What two characters compose to, or −1. */
  composite(first: number, second: number): number {
    const syllable = composeSyllable(first, second);
    return syllable === -1 ? (this.#composites.get(pairKey(first, second)) ?? -1) : syllable;
  }

  #add(codePoint: number, traits: number): void {
    this.#traits[codePoint] = (this.#traits[codePoint] as number) | traits;
  }
}

function pairKey(first: number, second: number): number {
  return first * 0x110000 + second;
}

function decomposeSyllable(syllable: number): number[] {
  const trail = syllable % TRAIL_COUNT;
  const leadAndVowel = (syllable - trail) / TRAIL_COUNT;
  const vowel = leadAndVowel % VOWEL_COUNT;
  const parts = [LEADS + (leadAndVowel - vowel) / VOWEL_COUNT, VOWELS + vowel];
  return trail === 0 ? parts : [...parts, TRAILS + trail];
}

function composeSyllable(first: number, second: number): number {
  const lead = first - LEADS;
  const vowel = second - VOWELS;
  if (lead >= 0 && lead < LEAD_COUNT && vowel >= 0 && vowel < VOWEL_COUNT) {
    return SYLLABLES + (lead * VOWEL_COUNT + vowel) * TRAIL_COUNT;
  }
  const trail = second - TRAILS;
  const isOpen = first >= SYLLABLES && first < SYLLABLES_END && (first - SYLLABLES) % TRAIL_COUNT === 0;
  return isOpen && trail > 0 && trail < TRAIL_COUNT ? first + trail : -1;
}
