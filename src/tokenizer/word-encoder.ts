import { Bpe } from "./bpe.ts";
import { hashBytes } from "./byte-hash.ts";
import type { TokenizerModel } from "./model.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { LONGEST_CACHED, WordCache } from "./word-cache.ts";

const UNKNOWN = 0;
const WHOLE = 1;
const SPLIT = 2;

/** Words to ids: first from the cache, then as a token of the vocabulary, at last by byte-pair encoding. */
export class WordEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #byteIds: Int32Array;
  readonly #bpe: Bpe;
  readonly #cache = new WordCache();
  readonly #ignoreMerges: boolean;
  /** Whether byte-pair encoding of a token's bytes gives that token; not every vocabulary grants it. */
  readonly #wholeness: Uint8Array;

  constructor(model: TokenizerModel) {
    this.#vocabulary = model.vocabulary;
    this.#byteIds = model.byteIds;
    this.#bpe = new Bpe(model.merges, model.byteIds);
    this.#ignoreMerges = model.ignoreMerges;
    this.#wholeness = new Uint8Array(model.vocabulary.size);
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
    const hash = hashBytes(view, start, length);
    if (length > LONGEST_CACHED) return this.#encodeNew(bytes, start, end, hash, into, at);
    const count = this.#cache.find(view, start, length, hash, into, at);
    if (count !== 0) return at + count;
    const after = this.#encodeNew(bytes, start, end, hash, into, at);
    this.#cache.store(view, start, length, hash, into, at, after);
    return after;
  }

  #encodeNew(bytes: Uint8Array, start: number, end: number, hash: number, into: Uint32Array, at: number): number {
    const id = this.#vocabulary.find(bytes, start, end - start, hash);
    if (id !== -1) {
      if (this.#ignoreMerges || this.#wholeness[id] === WHOLE) {
        into[at] = id;
        return at + 1;
      }
    }
    const after = this.#bpe.encode(bytes, start, end, into, at);
    if (id !== -1 && this.#wholeness[id] === UNKNOWN) this.#wholeness[id] = after === at + 1 ? WHOLE : SPLIT;
    return after;
  }
}
