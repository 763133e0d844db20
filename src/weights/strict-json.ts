/**
 * JSON as the safetensors library reads it. `JSON.parse` hides what matters in a file that may be hostile: a repeated
 * key, `1.0` where an integer belongs, half a surrogate pair in a name, and the order of keys that look like numbers.
 */
export type StrictJson = null | boolean | string | JsonNumber | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** A number as it was written, so that the reader decides what it accepts. */
export interface JsonNumber {
  readonly literal: string;
}

/** The safetensors library stops here too (serde_json's default); recursion must end before the stack does. */
const MAX_DEPTH = 127;

/** As objects, more values than this cost gigabytes. A header spends about nine on a tensor, an index one. */
const MAX_VALUES = 2 ** 22;

/** @throws SyntaxError that says what was found, and at which character */
export function parseStrictJson(text: string): StrictJson {
  return new Parser(text).document();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): StrictJson {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("the end of the JSON text");
    return value;
  }

  #value(): StrictJson {
    if (++this.#values > MAX_VALUES) throw new SyntaxError(`more than ${MAX_VALUES} values`);
    this.#skipSpace();
    switch (this.#text.charAt(this.#at)) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`);
    this.#at++;
    const value = parse();
    this.#depth--;
    return value;
  }

  #object(): ReadonlyMap<string, StrictJson> {
    const object = new Map<string, StrictJson>();
    if (this.#skip("}")) return object;
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#fail("a key in double quotes");
      const key = this.#string();
      if (object.has(key)) throw new SyntaxError(`key ${JSON.stringify(key)} occurs twice`);
      if (!this.#skip(":")) this.#fail("':' after a key");
      object.set(key, this.#value());
    } while (this.#skip(","));
    if (!this.#skip("}")) this.#fail("',' or '}'");
    return object;
  }

  #array(): readonly StrictJson[] {
    const array: StrictJson[] = [];
    if (this.#skip("]")) return array;
    do array.push(this.#value());
    while (this.#skip(","));
    if (!this.#skip("]")) this.#fail("',' or ']'");
    return array;
  }

  /** Finds the closing quote; what is between is `JSON.parse`'s to decode and to refuse. */
  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === "\\" ? 2 : 1;
    this.#at = end + 1;
    const value = this.#native(start, "a string");
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value))
      throw new SyntaxError(`half a surrogate pair in a string at character ${start}`);
    return value;
  }

  #number(): JsonNumber {
    const start = this.#at;
    while (isNumberPart(this.#text.charCodeAt(this.#at))) this.#at++;
    if (start === this.#at) this.#fail("a value");
    this.#native(start, "a number");
    return { literal: this.#text.slice(start, this.#at) };
  }

  #native(start: number, expected: string): unknown {
    try {
      return JSON.parse(this.#text.slice(start, this.#at));
    } catch {
      this.#at = start;
      return this.#fail(expected);
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("a value");
    this.#at += word.length;
    return value;
  }

  #skip(character: string): boolean {
    this.#skipSpace();
    const found = this.#text[this.#at] === character;
    if (found) this.#at++;
    return found;
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #fail(expected: string): never {
    const got =
      this.#at < this.#text.length ? JSON.stringify(this.#text.slice(this.#at, this.#at + 12)) : "the end of the text";
    throw new SyntaxError(`got ${got} at character ${this.#at}, expected ${expected}`);
  }
}

/** Headers are padded with spaces, in bad faith with millions of them. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** One of `0123456789+-.eE`; whether they make a number is `JSON.parse`'s to say. */
function isNumberPart(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e || (code | 0x20) === 0x65;
}
