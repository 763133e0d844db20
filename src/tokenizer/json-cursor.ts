/** The characters that JSON is made of. */
export const JSON_BYTES = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  arrayStart: 0x5b,
  backslash: 0x5c,
  arrayEnd: 0x5d,
  objectStart: 0x7b,
  objectEnd: 0x7d,
} as const;

const { quote: QUOTE, backslash: BACKSLASH, comma: COMMA, colon: COLON } = JSON_BYTES;

const FOUR_SPACES = 0x20202020;

/** Thrown where the bytes are not what a reader expects; the caller falls back on `JSON.parse`, which knows why. */
export class UnexpectedJson extends Error {}

/** A position in the bytes of a JSON text. */
export class JsonCursor {
  readonly bytes: Uint8Array;
  at = 0;

  readonly #view: DataView;
  readonly #lastFour: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#lastFour = bytes.length - 3;
  }

  /** The next byte that is not white space, without taking it; 0 at the end. */
  peek(): number {
    const { bytes } = this;
    let { at } = this;
    while (at < bytes.length && isSpace(bytes[at] as number)) {
      at++;
      while (at < this.#lastFour && this.#view.getInt32(at) === FOUR_SPACES) at += 4; // files are indented by eight and more
    }
    this.at = at;
    return at < bytes.length ? (bytes[at] as number) : 0;
  }

  /** Takes one character behind white space. */
  expect(character: number): void {
    if (!this.accept(character)) throw new UnexpectedJson(`no ${String.fromCharCode(character)} at ${this.at}`);
  }

  /** Takes one character behind white space if it is this one. */
  accept(character: number): boolean {
    if (this.bytes[this.at] !== character && this.peek() !== character) return false;
    this.at++;
    return true;
  }

  /** Calls `member` at each value of an object. */
  eachMember(member: (key: string) => void): void {
    this.expect(JSON_BYTES.objectStart);
    if (this.accept(JSON_BYTES.objectEnd)) return;
    do {
      const key = this.value();
      if (typeof key !== "string") throw new UnexpectedJson(`no key at ${this.at}`);
      this.expect(JSON_BYTES.colon);
      member(key);
    } while (this.accept(JSON_BYTES.comma));
    this.expect(JSON_BYTES.objectEnd);
  }

  /** Takes a number of digits alone. */
  digits(): number {
    this.peek();
    const start = this.at;
    let value = 0;
    for (; ; this.at++) {
      const digit = (this.bytes[this.at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const length = this.at - start;
    if (length === 0 || length > 9 || (length > 1 && this.bytes[start] === 0x30)) {
      throw new UnexpectedJson(`no plain number at ${start}`);
    }
    return value;
  }

  /** Takes any value. */
  value(): unknown {
    this.peek();
    const start = this.at;
    this.skip();
    const text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, this.at - start).toString("utf8");
    return JSON.parse(text);
  }

  /** Moves behind any value. It is not checked beyond what is needed to find its end. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.peek();
      if (this.at >= this.bytes.length) throw new UnexpectedJson("the end");
      if (byte === QUOTE) this.#skipString();
      else if (isOpening(byte)) depth++;
      else if (isClosing(byte)) depth--;
      if (byte !== QUOTE) this.at++;
    } while (depth > 0 || !this.#isAtDelimiter());
  }

  #skipString(): void {
    for (let at = this.at + 1; at < this.bytes.length; at++) {
      const byte = this.bytes[at];
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) {
        this.at = at + 1;
        return;
      }
    }
    throw new UnexpectedJson("a string without end");
  }

  #isAtDelimiter(): boolean {
    const byte = this.bytes[this.at] ?? COMMA;
    return isSpace(byte) || byte === COMMA || byte === COLON || isClosing(byte);
  }
}

function isSpace(byte: number): boolean {
  return byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

function isOpening(byte: number): boolean {
  return byte === JSON_BYTES.arrayStart || byte === JSON_BYTES.objectStart;
}

function isClosing(byte: number): boolean {
  return byte === JSON_BYTES.arrayEnd || byte === JSON_BYTES.objectEnd;
}
