import { bytesOfLetters } from "./byte-alphabet.ts";
import { hashBytes, READ_AHEAD } from "./byte-hash.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The bytes that tokens of tokenizer.json stand for, one token behind another, on their way into the tables. */
export class TokenBytes {
  readonly #letters = bytesOfLetters();
  #bytes: Uint8Array = new Uint8Array(1 << 10);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  hash(start: number, length: number): number {
    return hashBytes(this.#view, start, length);
  }

  /** Appends the bytes of a token; false, and nothing appended, if a character is not of the byte alphabet. */
  append(token: string): boolean {
    this.#reserve(token.length);
    for (let i = 0; i < token.length; i++) {
      const byte = this.#letters[token.charCodeAt(i)] ?? -1;
      if (byte < 0) return false;
      this.#bytes[this.#length + i] = byte;
    }
    this.#length += token.length;
    return true;
  }

  /**
   * Appends the bytes of a token that is written in UTF-8 from `from` on, up to `terminator`, and returns where that is.
   * −1, and nothing appended, if anything but letters of the byte alphabet, `\"` and `\\` comes first.
   */
  appendJson(json: Uint8Array, from: number, terminator: number): number {
    const letters = this.#letters;
    let to = this.#length;
    let room = this.#bytes.length - READ_AHEAD;
    for (let at = from; ; at++) {
      let unit = json[at] ?? 0;
      if (unit === terminator) {
        this.#length = to;
        return at;
      }
      if (unit >= 0x80) {
        const second = json[++at] ?? 0;
        if (unit < 0xc2 || unit > 0xdf || (second & 0xc0) !== 0x80) return -1;
        unit = ((unit & 0x1f) << 6) | (second & 0x3f);
      } else if (unit === QUOTE) return -1;
      else if (unit === BACKSLASH) {
        unit = json[++at] ?? 0;
        if (unit !== QUOTE && unit !== BACKSLASH) return -1;
      }
      const byte = letters[unit] as number;
      if (byte < 0) return -1;
      if (to === room) {
        this.#reserve(to + 1 - this.#length);
        room = this.#bytes.length - READ_AHEAD;
      }
      this.#bytes[to++] = byte;
    }
  }

  #reserve(more: number): void {
    const needed = this.#length + more + READ_AHEAD;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * needed);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
