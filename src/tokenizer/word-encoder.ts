import { Bpe } from "./bpe.ts";
import { hashBytes } from "./byte-hash.ts";
import type { TokenizerModel } from "./model.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { LONGEST_CACHED, WordCache } from "./word-cache.ts";

/** Words to ids: from the cache, or by byte-pair encoding. */
export class WordEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #byteIds: Int32Array;
  readonly #bpe: Bpe;
  readonly #cache = new WordCache();
  readonly #ignoreMerges: boolean;

  constructor(model: TokenizerModel) {
    this.#vocabulary = model.vocabulary;
    this.#byteIds = model.byteIds;
    this.#bpe = new Bpe(model.vocabulary, model.merges, model.byteIds);
    this.#ignoreMerges = model.ignoreMerges;
  }

  /**
   * Writes the ids of the word [start, end) at `at` and returns the position behind them.
   *
   * @param view of the same buffer as `bytes`
   * @param into has room for one id per byte
   */
  encode(bytes: Uint8Array, view: DataView, start: number, end: number, into: Uint32Array, at: number): number {
    const length = end - start;
    if (length === 1) {
      into[at] = this.#byteIds[bytes[start] as number] as number;
      return at + 1;
    }
    if (length > LONGEST_CACHED) return this.#encodeNew(bytes, view, start, end, into, at);
    const hash = hashBytes(view, start, length);
    const count = this.#cache.find(view, start, length, hash, into, at);
    if (count !== 0) return at + count;
    const after = this.#encodeNew(bytes, view, start, end, into, at);
    this.#cache.store(view, start, length, hash, into, at, after);
    return after;
  }

  #encodeNew(bytes: Uint8Array, view: DataView, start: number, end: number, into: Uint32Array, at: number): number {
    if (this.#ignoreMerges) {
      const length = end - start;
      const id = this.#vocabulary.find(bytes, start, length, hashBytes(view, start, length));
      if (id !== -1) {
        into[at] = id;
        return at + 1;
      }
    }
    return this.#bpe.encode(bytes, start, end, into, at);
  }
}
