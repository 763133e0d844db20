/** A growing list of ids. */
export class IdBuffer {
  #ids: Uint32Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#ids = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(id: number): void {
    if (this.#length === this.#ids.length) this.#grow();
    this.#ids[this.#length++] = id;
  }

  clear(): void {
    this.#length = 0;
  }

  at(index: number): number {
    return this.#ids[index] as number;
  }

  /** A copy of [start, end). */
  slice(start: number, end: number): Uint32Array {
    return this.#ids.slice(start, end);
  }

  #grow(): void {
    const larger = new Uint32Array(this.#ids.length * 2);
    larger.set(this.#ids);
    this.#ids = larger;
  }
}
