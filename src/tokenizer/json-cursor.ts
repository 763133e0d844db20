const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Thrown where the bytes are not what a reader expects; the caller falls back on `JSON.parse`, which knows why. */
export class UnexpectedJson extends Error {}

/** A position in the bytes of a JSON text. */
export class JsonCursor {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The next byte that is not white space, without taking it; 0 at the end. */
  peek(): number {
    let at = this.at;
    while (at < this.bytes.length && isSpace(this.bytes[at] as number)) at++;
    this.at = at;
    return this.bytes[at] ?? 0;
  }

  /** Takes one byte behind white space. */
  expect(character: string): void {
    if (this.peek() !== character.charCodeAt(0)) throw new UnexpectedJson(`no ${character} at ${this.at}`);
    this.at++;
  }

  /** Takes one byte behind white space if it is this one. */
  accept(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  /** Calls `member` at each value of an object. */
  eachMember(member: (key: string) => void): void {
    this.expect("{");
    if (this.accept("}")) return;
    do {
      const key = this.value();
      if (typeof key !== "string") throw new UnexpectedJson(`no key at ${this.at}`);
      this.expect(":");
      member(key);
    } while (this.accept(","));
    this.expect("}");
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
      else if (OPENING.has(byte)) depth++;
      else if (CLOSING.has(byte)) depth--;
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
    const byte = this.bytes[this.at] ?? 0x2c;
    return isSpace(byte) || byte === 0x2c || byte === 0x3a || CLOSING.has(byte);
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
