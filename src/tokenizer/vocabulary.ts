/** Byte strings ↔ ids. Ids need not be dense. */
export class Vocabulary {
  readonly #ids = new Map<string, number>();
  readonly #bytes: (Uint8Array | undefined)[] = [];

  /** Adds a token; false if its bytes or its id are taken. */
  add(id: number, bytes: Uint8Array): boolean {
    const key = keyOf(bytes, 0, bytes.length);
    if (this.#ids.has(key) || this.#bytes[id] !== undefined) return false;
    this.#ids.set(key, id);
    this.#bytes[id] = bytes;
    return true;
  }

  /** Largest id + 1. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Id of the token that is exactly these bytes, or −1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#ids.get(keyOf(bytes, start, end)) ?? -1;
  }

  bytesOf(id: number): Uint8Array | undefined {
    return this.#bytes[id];
  }
}

function keyOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
