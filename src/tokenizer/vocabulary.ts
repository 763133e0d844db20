/** Slots per token. */
const SPARSENESS = 1.5;

/**
 * Byte strings ↔ ids: all bytes one after another, and an open-addressing table of `[hash, id + 1]` over them. Ids need
 * not be dense or in order.
 */
export class Vocabulary {
  #bytes: Uint8Array;
  #used = 0;
  /** Start and length of every id's token; length 0 for none. */
  #spans: Uint32Array;
  #size = 0;
  #count = 0;
  #slots: Int32Array;
  #mask: number;

  /** @param count how many tokens to expect; more are taken too */
  constructor(count: number) {
    this.#bytes = new Uint8Array(count * 8);
    this.#spans = new Uint32Array(2 * count);
    this.#slots = newSlots(count);
    this.#mask = this.#slots.length / 2 - 1;
  }

  /** Largest id + 1. */
  get size(): number {
    return this.#size;
  }

  /** Adds the first `length` bytes of `token`; false if its bytes or its id are taken. `hash` is their `hashBytes`. */
  add(id: number, token: Uint8Array, length: number, hash: number): boolean {
    this.#reserve(id, length);
    if (this.lengthOf(id) !== 0) return false;
    const start = this.#used;
    for (let i = 0; i < length; i++) this.#bytes[start + i] = token[i] as number;
    const slot = this.#slotOf(this.#bytes, start, length, hash);
    if (this.#slots[2 * slot + 1] !== 0) return false;
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = id + 1;
    this.#spans[2 * id] = start;
    this.#spans[2 * id + 1] = length;
    this.#used = start + length;
    this.#size = Math.max(this.#size, id + 1);
    this.#count++;
    return true;
  }

  /** Id of the token that is exactly these bytes, or −1. `hash` is their `hashBytes`. */
  find(bytes: Uint8Array, start: number, length: number, hash: number): number {
    return (this.#slots[2 * this.#slotOf(bytes, start, length, hash) + 1] as number) - 1;
  }

  /** Bytes of a token, 0 for ids that have none. */
  lengthOf(id: number): number {
    return this.#spans[2 * id + 1] ?? 0;
  }

  bytesOf(id: number): Uint8Array | undefined {
    const length = this.lengthOf(id);
    const start = this.#spans[2 * id] as number;
    return length === 0 ? undefined : this.#bytes.subarray(start, start + length);
  }

  /** The slot that holds these bytes, or the empty one where they belong. */
  #slotOf(bytes: Uint8Array, start: number, length: number, hash: number): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = (this.#slots[2 * slot + 1] as number) - 1;
      if (id === -1 || (this.#slots[2 * slot] === hash && this.isToken(id, bytes, start, length))) return slot;
    }
  }

  /** True if the token of an id is exactly these bytes. */
  isToken(id: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#spans[2 * id + 1] !== length) return false;
    const own = this.#spans[2 * id] as number;
    for (let i = 0; i < length; i++) if (this.#bytes[own + i] !== bytes[start + i]) return false;
    return true;
  }

  #reserve(id: number, length: number): void {
    if (2 * id >= this.#spans.length) {
      const larger = new Uint32Array(2 * Math.max(id + 1, this.#spans.length));
      larger.set(this.#spans);
      this.#spans = larger;
    }
    if (this.#used + length > this.#bytes.length) {
      const larger = new Uint8Array((this.#used + length) * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    if ((this.#count + 1) * SPARSENESS > this.#mask + 1) this.#rehash();
  }

  #rehash(): void {
    const old = this.#slots;
    this.#slots = newSlots(this.#count * 2);
    this.#mask = this.#slots.length / 2 - 1;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      let slot = (old[at] as number) & this.#mask;
      while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[2 * slot] = old[at] as number;
      this.#slots[2 * slot + 1] = old[at + 1] as number;
    }
  }
}

/** An empty table for so many tokens, of a power of two of slots. */
function newSlots(count: number): Int32Array {
  return new Int32Array(2 << (32 - Math.clz32(Math.max(count, 1) * SPARSENESS)));
}
