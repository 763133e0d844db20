import { READ_AHEAD } from "./byte-hash.ts";

/** Buffers of texts up to this many bytes are kept for the next text. */
const KEPT = 1 << 20;

/** The UTF-8 bytes of one text at a time, in a buffer that is used again. */
export class TextBytes {
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  readonly #encoder = new TextEncoder();

  /** The buffer; behind `length` it holds whatever was there before. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Replaces the contents by a text, with U+FFFD for unpaired surrogates, and returns its length in bytes. */
  write(text: string): number {
    // A UTF-16 unit takes at most three bytes; only for long texts is it worth counting first.
    const most = text.length * 3;
    this.reserve(most <= KEPT ? most : Buffer.byteLength(text));
    return this.#encoder.encodeInto(text, this.#bytes).written;
  }

  /** Makes room for so many bytes; the contents are lost. */
  reserve(length: number): void {
    const needed = length + READ_AHEAD;
    if (this.#bytes.length >= needed && (this.#bytes.length <= KEPT || needed > KEPT)) return;
    this.#bytes = new Uint8Array(needed <= KEPT ? Math.min(KEPT, 2 ** Math.ceil(Math.log2(needed))) : needed);
    this.#view = new DataView(this.#bytes.buffer);
  }
}
