import { AddedTokenMatcher } from "./added-tokens.ts";
import { Bpe } from "./bpe.ts";
import { IdBuffer } from "./id-buffer.ts";
import type { TokenizerModel } from "./model.ts";
import { codePointsOf, Nfc, writeCodePoints } from "./nfc.ts";
import { alignNormalized, alignPlain } from "./alignment.ts";
import { codePointClasses } from "./unicode.ts";
import { utf8Length } from "./utf8.ts";
import { WordScanner } from "./word-scanner.ts";

/** The way of a text to ids, without post-processor and truncation. */
export class Encoder {
  readonly #model: TokenizerModel;
  readonly #scanner: WordScanner;
  readonly #nfc: Nfc;
  readonly #normalize: boolean;
  readonly #bpe: Bpe;
  readonly #rawTokens: AddedTokenMatcher;
  readonly #normalizedTokens: AddedTokenMatcher;
  readonly #utf8 = new TextEncoder();

  constructor(model: TokenizerModel, normalize: boolean) {
    const classes = codePointClasses();
    this.#model = model;
    this.#normalize = normalize;
    this.#scanner = new WordScanner(classes);
    this.#nfc = new Nfc(classes);
    this.#bpe = new Bpe(model.merges, model.byteIds);
    const patterns = model.addedTokens.map((token) => {
      const bytes = this.#utf8.encode(token.content);
      return { token, bytes: token.normalized ? this.#normalizeBytes(bytes) : bytes };
    });
    this.#rawTokens = new AddedTokenMatcher(
      patterns.filter(({ token }) => !token.normalized),
      classes,
    );
    this.#normalizedTokens = new AddedTokenMatcher(
      patterns.filter(({ token }) => token.normalized),
      classes,
    );
  }

  encode(text: string, wantsOffsets: boolean): { ids: Uint32Array; offsets?: Uint32Array } {
    const bytes = this.#utf8.encode(text);
    const ids = new IdBuffer();
    const offsets: number[] = [];
    let utf16 = 0;
    for (const raw of this.#rawTokens.split(bytes, 0, bytes.length)) {
      const source = bytes.subarray(raw.start, raw.end);
      const normalized = raw.id === -1 ? this.#normalizeBytes(source) : source;
      const lengths: number[] = [];
      if (raw.id === -1) this.#encodeNormalized(normalized, ids, lengths);
      else {
        ids.push(raw.id);
        lengths.push(source.length);
      }
      if (!wantsOffsets) continue;
      const alignment = source === normalized ? alignPlain(source) : alignNormalized(source, this.#nfc);
      let at = 0;
      for (const length of lengths) {
        offsets.push(utf16 + (alignment.starts[at] as number), utf16 + (alignment.ends[at + length - 1] as number));
        at += length;
      }
      utf16 += alignment.length;
    }
    const found = ids.slice(0, ids.length);
    return wantsOffsets ? { ids: found, offsets: Uint32Array.from(offsets) } : { ids: found };
  }

  #encodeNormalized(bytes: Uint8Array, ids: IdBuffer, lengths: number[]): void {
    for (const piece of this.#normalizedTokens.split(bytes, 0, bytes.length)) {
      if (piece.id !== -1) {
        ids.push(piece.id);
        lengths.push(piece.end - piece.start);
        continue;
      }
      for (let at = piece.start; at < piece.end;) {
        const end = this.#scanner.wordEnd(bytes, at, piece.end);
        this.#encodeWord(bytes, at, end, ids, lengths);
        at = end;
      }
    }
  }

  #encodeWord(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, lengths: number[]): void {
    const before = ids.length;
    const whole = this.#model.ignoreMerges ? this.#model.vocabulary.find(bytes, start, end) : -1;
    if (whole === -1) this.#bpe.encode(bytes, start, end, ids);
    else ids.push(whole);
    for (let i = before; i < ids.length; i++) {
      lengths.push((this.#model.vocabulary.bytesOf(ids.at(i)) as Uint8Array).length);
    }
  }

  /** The bytes in NFC; the same array if they are already. */
  #normalizeBytes(bytes: Uint8Array): Uint8Array {
    if (!this.#normalize) return bytes;
    const runs = [...this.#nfc.suspectRuns(bytes, 0, bytes.length)];
    if (runs.length === 0) return bytes;
    const replaced = runs.map((run) => {
      const { codePoints } = this.#nfc.normalizeRun(codePointsOf(bytes, run.start, run.end));
      const length = codePoints.reduce((sum, codePoint) => sum + utf8Length(codePoint), 0);
      return { start: run.start, end: run.end, codePoints, length };
    });
    const growth = replaced.reduce((sum, run) => sum + run.length - (run.end - run.start), 0);
    const normalized = new Uint8Array(bytes.length + growth);
    let from = 0;
    let to = 0;
    for (const run of replaced) {
      normalized.set(bytes.subarray(from, run.start), to);
      to = writeCodePoints(normalized, to + run.start - from, run.codePoints);
      from = run.end;
    }
    normalized.set(bytes.subarray(from), to);
    return normalized;
  }
}
