import { AddedTokenMatcher, type Piece } from "./added-tokens.ts";
import { alignNormalized, alignPlain } from "./alignment.ts";
import type { TokenizerModel } from "./model.ts";
import { MOST_GROWTH, type Nfc } from "./nfc.ts";
import { TextBytes } from "./text-bytes.ts";
import { WordEncoder } from "./word-encoder.ts";
import { WordScanner } from "./word-scanner.ts";

/** Ids of a text; `ids` may be longer than `count` and is used again by the next text. */
export interface Content {
  readonly ids: Uint32Array;
  readonly count: number;
  /** Two numbers per id. */
  readonly offsets: readonly number[] | undefined;
}

export interface ContentOptions {
  /** Ids from this many on are not needed. */
  readonly limit: number;
  readonly offsets: boolean;
}

/** Id arrays of texts up to this many bytes are kept for the next text. */
const KEPT = 1 << 20;

/** The way of a text to ids, without post-processor and truncation. */
export class Encoder {
  readonly #model: TokenizerModel;
  readonly #scanner: WordScanner;
  readonly #words: WordEncoder;
  readonly #nfc: Nfc | undefined;
  readonly #rawTokens: AddedTokenMatcher;
  readonly #normalizedTokens: AddedTokenMatcher;
  readonly #text = new TextBytes();
  readonly #normalized = new TextBytes();
  #ids: Uint32Array = new Uint32Array(0);
  #count = 0;
  /** Where each id comes from, in bytes, if offsets are asked for. */
  #spans: number[] | undefined;

  /** @param nfc NFC if the texts are to be normalised */
  constructor(model: TokenizerModel, classes: Uint8Array, nfc: Nfc | undefined) {
    this.#model = model;
    this.#nfc = nfc;
    this.#scanner = new WordScanner(classes);
    this.#words = new WordEncoder(model);
    const [raw, normalized] = [false, true].map((isNormalized) =>
      model.addedTokens.filter((token) => token.normalized === isNormalized),
    );
    this.#rawTokens = new AddedTokenMatcher(raw ?? [], model, classes);
    this.#normalizedTokens = new AddedTokenMatcher(normalized ?? [], model, classes);
  }

  encode(text: string, { limit, offsets }: ContentOptions): Content {
    const length = this.#text.write(text);
    this.#count = 0;
    this.#spans = offsets ? [] : undefined;
    this.#reserveIds(length);
    const found: number[] = [];
    let utf16 = 0;
    let done = 0;
    for (const piece of this.#rawTokens.split(this.#text.bytes, 0, length)) {
      // As in the original, a token may begin with white space that the one before it has swallowed.
      if (offsets && piece.start < done) utf16 -= alignPlain(this.#text.bytes.subarray(piece.start, done)).length;
      done = piece.end;
      const source = piece.id === -1 ? this.#encodeText(piece, length, limit) : this.#pushToken(piece);
      if (offsets) utf16 = this.#align(piece, source, utf16, found);
      if (this.#count >= limit) break;
    }
    return { ids: this.#ids, count: this.#count, offsets: offsets ? found : undefined };
  }

  /** Encodes text between added tokens; returns the buffer that the spans are in. */
  #encodeText({ start, end }: Piece, textLength: number, limit: number): TextBytes {
    const nfc = this.#nfc;
    if (nfc === undefined || nfc.isNormalized(this.#text.bytes, start, end)) {
      this.#encodeNormalized(this.#text, start, end, limit);
      return this.#text;
    }
    this.#normalized.reserve(MOST_GROWTH * (end - start));
    const length = nfc.write(this.#text.bytes, start, end, this.#normalized.bytes);
    this.#reserveIds(length + textLength - end);
    this.#encodeNormalized(this.#normalized, 0, length, limit);
    return this.#normalized;
  }

  #encodeNormalized(text: TextBytes, start: number, end: number, limit: number): void {
    if (this.#normalizedTokens.isEmpty) {
      this.#encodeWords(text, start, end, limit);
      return;
    }
    for (const piece of this.#normalizedTokens.split(text.bytes, start, end)) {
      if (piece.id === -1) this.#encodeWords(text, piece.start, piece.end, limit);
      else this.#pushToken(piece);
    }
  }

  #encodeWords({ bytes, view }: TextBytes, start: number, end: number, limit: number): void {
    const scanner = this.#scanner;
    const words = this.#words;
    const ids = this.#ids;
    const first = this.#count;
    let count = first;
    for (let at = start; at < end && count < limit;) {
      const wordEnd = scanner.wordEnd(bytes, at, end);
      count = words.encode(bytes, view, at, wordEnd, ids, count);
      at = wordEnd;
    }
    this.#count = count;
    if (this.#spans !== undefined) this.#recordSpans(this.#spans, first, start);
  }

  #pushToken({ id, start, end }: Piece): TextBytes {
    this.#ids[this.#count++] = id;
    this.#spans?.push(start, end);
    return this.#text;
  }

  /** Tokens follow one another without gaps, so their lengths say where they are. */
  #recordSpans(spans: number[], firstId: number, start: number): void {
    let at = start;
    for (let i = firstId; i < this.#count; i++) {
      const next = at + this.#model.vocabulary.lengthOf(this.#ids[i] as number);
      spans.push(at, next);
      at = next;
    }
  }

  /** Turns the spans of a piece, in bytes of `source`, into UTF-16 offsets; returns where the next piece starts. */
  #align({ start, end }: Piece, source: TextBytes, utf16: number, offsets: number[]): number {
    const original = this.#text.bytes.subarray(start, end);
    const isOriginal = source === this.#text;
    const { starts, ends, length } =
      isOriginal || this.#nfc === undefined ? alignPlain(original) : alignNormalized(original, this.#nfc);
    const base = isOriginal ? start : 0;
    const spans = this.#spans ?? [];
    for (let i = 0; i < spans.length; i += 2) {
      const first = (spans[i] as number) - base;
      const last = (spans[i + 1] as number) - base - 1;
      offsets.push(utf16 + (starts[first] as number), utf16 + (ends[last] as number));
    }
    spans.length = 0;
    return utf16 + length;
  }

  /** Room for so many more ids. */
  #reserveIds(more: number): void {
    const needed = this.#count + more;
    if (this.#ids.length >= needed && (this.#ids.length <= KEPT || needed > KEPT)) return;
    const larger = new Uint32Array(needed <= KEPT ? Math.min(KEPT, 2 * needed) : needed);
    larger.set(this.#ids.subarray(0, this.#count));
    this.#ids = larger;
  }
}
