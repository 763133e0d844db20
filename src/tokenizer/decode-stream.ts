const REPLACEMENT = "\ufffd";

/**
 * Turns ids into text one at a time and never splits a character: bytes that do not complete one yet are kept back.
 */
export class DecodeStream {
  readonly #bytesOf: (id: number) => Uint8Array | undefined;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #pending = new Uint8Array(0);

  /** @param bytesOf the bytes that an id stands for; undefined for none */
  constructor(bytesOf: (id: number) => Uint8Array | undefined) {
    this.#bytesOf = bytesOf;
  }

  /** The text that became complete with this id; often empty in the middle of a character. */
  push(id: number): string {
    const bytes = this.#bytesOf(id);
    if (bytes === undefined || bytes.length === 0) return "";
    const joined = new Uint8Array(this.#pending.length + bytes.length);
    joined.set(this.#pending);
    joined.set(bytes, this.#pending.length);
    const text = this.#decoder.decode(joined);
    if (text.endsWith(REPLACEMENT)) {
      this.#pending = joined;
      return "";
    }
    this.#pending = new Uint8Array(0);
    return text;
  }

  /** What is still kept back, with U+FFFD for characters that never became complete. Call it once, at the end. */
  flush(): string {
    const text = this.#decoder.decode(this.#pending);
    this.#pending = new Uint8Array(0);
    return text;
  }
}
