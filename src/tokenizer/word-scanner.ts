import { LETTER, NEWLINE, NUMBER, SPACE } from "./unicode.ts";
import { codePointAt, utf8Length } from "./utf8.ts";

/** The one split pattern of every published Qwen2, Qwen2.5 and Qwen3 checkpoint. */
export const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const LETTER_NUMBER_OR_SPACE = LETTER | NUMBER | SPACE;
const APOSTROPHE = 0x27;
const BLANK = 0x20;

/** Splits UTF-8 text into words exactly as QWEN_PATTERN does, without a regex engine. */
export class WordScanner {
  readonly #classes: Uint8Array;

  /** @param classes the class bits of every code point */
  constructor(classes: Uint8Array) {
    this.#classes = classes;
  }

  /** End of the word that starts at `start`; `start < end`, and `end` counts as the end of the text. */
  wordEnd(bytes: Uint8Array, start: number, end: number): number {
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

/** End of `'s`, `'t`, `'m`, `'d`, `'re`, `'ve` or `'ll` in any case, or −1. U+017F (ſ) folds to s. */
function contractionEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start + 1 >= end) return -1;
  const first = bytes[start + 1] as number;
  if (first === 0xc5) return start + 2 < end && bytes[start + 2] === 0xbf ? start + 3 : -1;
  const one = String.fromCharCode(first | 0x20);
  if (first < 0x41) return -1;
  if ("stmd".includes(one)) return start + 2;
  if (start + 2 >= end) return -1;
  const two = one + String.fromCharCode((bytes[start + 2] as number) | 0x20);
  return two === "re" || two === "ve" || two === "ll" ? start + 3 : -1;
}
