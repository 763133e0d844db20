import type { TokenizerModel } from "./model.ts";
import { WORD_CHARACTERS } from "./unicode-data.ts";
import { SPACE, unpack } from "./unicode.ts";
import { codePointAt, previousStart, utf8Length } from "./utf8.ts";

/** A token that is matched in the text itself, before it is split into words. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Left out of decoded text on request. */
  readonly special: boolean;
  /** Matched after NFC instead of before it. */
  readonly normalized: boolean;
  /** Swallows the white space before it. */
  readonly lstrip: boolean;
  /** Swallows the white space behind it. */
  readonly rstrip: boolean;
  /** Only matched between characters that are not part of a word. */
  readonly singleWord: boolean;
}

/** A stretch of text: an added token, or (id −1) what stands between them. */
export interface Piece {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

interface Pattern {
  readonly bytes: Uint8Array;
  readonly token: AddedToken;
}

/** Finds added tokens, leftmost first and the longest of those that start at the same place. */
export class AddedTokenMatcher {
  /** True if there is nothing to find. */
  readonly isEmpty: boolean;
  /** The patterns that begin with each byte, the longest first. */
  readonly #byFirstByte: readonly Pattern[][] = Array.from({ length: 256 }, () => []);
  readonly #isFirstByte = new Uint8Array(256);
  readonly #classes: Uint8Array;
  /** What a `singleWord` token may not stand beside. */
  readonly #wordCharacters: readonly number[][];

  /**
   * @param tokens what to find
   * @param model knows how they are written
   * @param classes the class bits of every code point
   */
  constructor(tokens: readonly AddedToken[], model: Pick<TokenizerModel, "idToToken">, classes: Uint8Array) {
    this.isEmpty = tokens.length === 0;
    this.#classes = classes;
    this.#wordCharacters = tokens.some(({ singleWord }) => singleWord) ? unpack(WORD_CHARACTERS) : [];
    const utf8 = new TextEncoder();
    const patterns = tokens.map((token) => ({ token, bytes: utf8.encode(model.idToToken(token.id)) }));
    for (const pattern of patterns.toSorted((a, b) => b.bytes.length - a.bytes.length)) {
      const first = pattern.bytes[0] as number;
      this.#isFirstByte[first] = 1;
      this.#byFirstByte[first]?.push(pattern);
    }
  }

  /** Cuts [start, end) into added tokens and the non-empty text between them. */
  split(bytes: Uint8Array, start: number, end: number): Piece[] {
    const pieces: Piece[] = [];
    let done = start;
    for (let at = start; at < end; at++) {
      if (this.#isFirstByte[bytes[at] as number] === 0) continue;
      const pattern = this.#matchAt(bytes, at, end);
      if (pattern === undefined) continue;
      const matchEnd = at + pattern.bytes.length;
      if (!pattern.token.singleWord || this.#standsAlone(bytes, start, at, matchEnd, end)) {
        const from = pattern.token.lstrip ? this.#spacesBefore(bytes, done, Math.max(done, at)) : at;
        const to = pattern.token.rstrip ? this.#spacesBehind(bytes, matchEnd, end) : matchEnd;
        if (from > done) pieces.push({ id: -1, start: done, end: from });
        pieces.push({ id: pattern.token.id, start: from, end: to });
        done = to;
      }
      at = matchEnd - 1;
    }
    if (done < end) pieces.push({ id: -1, start: done, end });
    return pieces;
  }

  #matchAt(bytes: Uint8Array, at: number, end: number): Pattern | undefined {
    const patterns = this.#byFirstByte[bytes[at] as number] as readonly Pattern[];
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i] as Pattern;
      if (at + pattern.bytes.length <= end && startsWith(bytes, at, pattern.bytes)) return pattern;
    }
    return undefined;
  }

  #standsAlone(bytes: Uint8Array, start: number, from: number, to: number, end: number): boolean {
    const wordBefore = from > start && this.#isWord(codePointAt(bytes, previousStart(bytes, from)));
    return !wordBefore && !(to < end && this.#isWord(codePointAt(bytes, to)));
  }

  #isWord(codePoint: number): boolean {
    return this.#wordCharacters.some(([first = 0, extra = 0]) => codePoint >= first && codePoint <= first + extra);
  }

  #spacesBefore(bytes: Uint8Array, from: number, to: number): number {
    let at = to;
    while (at > from) {
      const previous = previousStart(bytes, at);
      if (((this.#classes[codePointAt(bytes, previous)] as number) & SPACE) === 0) break;
      at = previous;
    }
    return at;
  }

  #spacesBehind(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const codePoint = codePointAt(bytes, at);
      if (((this.#classes[codePoint] as number) & SPACE) === 0) break;
      at += utf8Length(codePoint);
    }
    return at;
  }
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}
