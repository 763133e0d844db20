import { LETTER, NEWLINE, NUMBER, SPACE } from "./unicode.ts";
import { codePointAt, utf8Length } from "./utf8.ts";

/** The one split pattern of every published Qwen2, Qwen2.5 and Qwen3 checkpoint. */
export const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const LETTER_NUMBER_OR_SPACE = LETTER | NUMBER | SPACE;
/** Stands for all bytes of longer characters. */
const NOT_ASCII = 0x80;
const APOSTROPHE = 0x27;
const BLANK = 0x20;

/** Splits UTF-8 text into words exactly as QWEN_PATTERN does, without a regex engine. */
export class WordScanner {
  readonly #classes: Uint8Array;
  /** The class bits of ASCII, and of no other byte. */
  readonly #ascii = new Uint8Array(256);

  /** @param classes the class bits of every code point */
  constructor(classes: Uint8Array) {
    this.#classes = classes;
    for (let byte = 0; byte < 0x100; byte++) {
      this.#ascii[byte] = byte < 0x80 ? (classes[byte] as number) & (LETTER_NUMBER_OR_SPACE | NEWLINE) : NOT_ASCII;
    }
  }

  /** End of the word that starts at `start`; `start < end`, and `end` counts as the end of the text. */
  wordEnd(bytes: Uint8Array, start: number, end: number): number {
    // Most words are ASCII letters, alone or behind a space or a sign.
    const ascii = this.#ascii;
    const first = bytes[start] as number;
    let at = start + 1;
    if (at === end || ascii[bytes[at] as number] !== LETTER) return this.#anyWordEnd(bytes, start, end);
    if (((ascii[first] as number) & (NUMBER | NEWLINE | NOT_ASCII)) !== 0 || first === APOSTROPHE) {
      return this.#anyWordEnd(bytes, start, end);
    }
    while (++at < end && ascii[bytes[at] as number] === LETTER);
    return at === end || (bytes[at] as number) < 0x80 ? at : this.#skipLetters(bytes, at, end);
  }

  #anyWordEnd(bytes: Uint8Array, start: number, end: number): number {
    const first = codePointAt(bytes, start);
    const kind = this.#classes[first] as number;
    const afterFirst = start + utf8Length(first);
    if ((kind & LETTER) !== 0) return this.#skipLetters(bytes, afterFirst, end);
    if ((kind & NUMBER) !== 0) return afterFirst;
    if (first === APOSTROPHE) {
      const contraction = contractionEnd(bytes, start, end);
      if (contraction !== -1) return contraction;
    }
    if ((kind & NEWLINE) === 0 && (this.#kindAt(bytes, afterFirst, end) & LETTER) !== 0) {
      return this.#skipLetters(bytes, afterFirst, end);
    }
    if ((kind & SPACE) === 0) return skipNewlines(bytes, this.#skipOthers(bytes, afterFirst, end), end);
    if (first === BLANK && afterFirst < end && this.#isOther(bytes, afterFirst, end)) {
      return skipNewlines(bytes, this.#skipOthers(bytes, afterFirst, end), end);
    }
    return this.#whitespaceEnd(bytes, start, end);
  }

  /** `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break, else all but the last space before a word, else that one. */
  #whitespaceEnd(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let last = start;
    let newlineEnd = -1;
    while (at < end) {
      const codePoint = codePointAt(bytes, at);
      const kind = this.#classes[codePoint] as number;
      if ((kind & SPACE) === 0) break;
      last = at;
      at += utf8Length(codePoint);
      if ((kind & NEWLINE) !== 0) newlineEnd = at;
    }
    if (newlineEnd !== -1) return newlineEnd;
    return at === end || last === start ? at : last;
  }

  #skipLetters(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const codePoint = codePointAt(bytes, at);
      if (((this.#classes[codePoint] as number) & LETTER) === 0) break;
      at += utf8Length(codePoint);
    }
    return at;
  }

  #skipOthers(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end && this.#isOther(bytes, at, end)) at += utf8Length(codePointAt(bytes, at));
    return at;
  }

  #isOther(bytes: Uint8Array, at: number, end: number): boolean {
    return (this.#kindAt(bytes, at, end) & LETTER_NUMBER_OR_SPACE) === 0;
  }

  #kindAt(bytes: Uint8Array, at: number, end: number): number {
    return at < end ? (this.#classes[codePointAt(bytes, at)] as number) : 0;
  }
}

function skipNewlines(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] === 0x0a || bytes[at] === 0x0d)) at++;
  return at;
}

const LOWER_CASE = 0x20;
const CODES = { s: 0x73, t: 0x74, m: 0x6d, d: 0x64, r: 0x72, v: 0x76, e: 0x65, l: 0x6c } as const;

/** End of `'s`, `'t`, `'m`, `'d`, `'re`, `'ve` or `'ll` in any case, or −1. U+017F (ſ) folds to s. */
function contractionEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start + 1 >= end) return -1;
  const first = bytes[start + 1] as number;
  const second = start + 2 < end ? (bytes[start + 2] as number) : 0;
  if (first === 0xc5) return second === 0xbf ? start + 3 : -1;
  switch (first | LOWER_CASE) {
    case CODES.s:
    case CODES.t:
    case CODES.m:
    case CODES.d:
      return start + 2;
    case CODES.r:
    case CODES.v:
      return (second | LOWER_CASE) === CODES.e ? start + 3 : -1;
    case CODES.l:
      return (second | LOWER_CASE) === CODES.l ? start + 3 : -1;
    default:
      return -1;
  }
}
