import { type Composition, DECOMPOSES, JOINS, RANK } from "./composition.ts";

/** Up to so many marks are put in order by insertion. */
const FEW_MARKS = 32;

/**
 * A stretch of code points on its way to NFC: `clear`, `add` each, `compose`, and read the result.
 *
 * Of every code point it is known how many of the original it stands for, as the original counts them: 1 for the first
 * part of a decomposition and 0 for the others; a composite has the sum of its parts.
 */
export class NfcRun {
  readonly #composition: Composition;
  #codePoints = new Int32Array(64);
  #consumed = new Int32Array(64);
  #length = 0;
  /** Where the marks behind the last starter begin. */
  #marks = 0;
  #areOrdered = true;

  constructor(composition: Composition) {
    this.#composition = composition;
  }

  get length(): number {
    return this.#length;
  }

  codePoint(index: number): number {
    return this.#codePoints[index] as number;
  }

  consumed(index: number): number {
    return this.#consumed[index] as number;
  }

  clear(): void {
    this.#length = 0;
    this.#marks = 0;
    this.#areOrdered = true;
  }

  add(codePoint: number): void {
    this.#decompose(codePoint, 1);
  }

  #decompose(codePoint: number, consumed: number): void {
    const traits = this.#composition.traits(codePoint);
    if ((traits & DECOMPOSES) !== 0) {
      const parts = this.#composition.decomposition(codePoint);
      for (let i = 0; i < parts.length; i++) this.#decompose(parts[i] as number, i === 0 ? consumed : 0);
      return;
    }
    if (this.#length === this.#codePoints.length) this.#grow();
    if ((traits & RANK) === 0) {
      this.#orderMarks();
      this.#marks = this.#length + 1;
    } else if (this.#length > this.#marks && (traits & RANK) < this.#rank(this.#length - 1)) this.#areOrdered = false;
    this.#codePoints[this.#length] = codePoint;
    this.#consumed[this.#length++] = consumed;
  }

  /** Joins each mark with the last starter unless a mark of the same or a higher class stands between them. */
  compose(): void {
    this.#orderMarks();
    const count = this.#length;
    let to = 0;
    let starter = -1;
    let lastRank = -1;
    for (let from = 0; from < count; from++) {
      const codePoint = this.#codePoints[from] as number;
      const traits = this.#composition.traits(codePoint);
      const rank = traits & RANK;
      if (starter !== -1 && lastRank < rank && (traits & JOINS) !== 0) {
        const composite = this.#composition.composite(this.#codePoints[starter] as number, codePoint);
        if (composite !== -1) {
          this.#codePoints[starter] = composite;
          this.#consumed[starter] = this.consumed(starter) + this.consumed(from);
          continue;
        }
      }
      if (rank === 0) starter = to;
      lastRank = rank === 0 ? -1 : rank;
      this.#codePoints[to] = codePoint;
      this.#consumed[to++] = this.consumed(from);
    }
    this.#length = to;
  }

  /** Sorts the marks behind the last starter by combining class; those of one class keep their order. */
  #orderMarks(): void {
    if (this.#areOrdered) return;
    this.#areOrdered = true;
    if (this.#length - this.#marks > FEW_MARKS) {
      this.#orderManyMarks();
      return;
    }
    for (let end = this.#marks + 1; end < this.#length; end++) {
      const codePoint = this.#codePoints[end] as number;
      const consumed = this.#consumed[end] as number;
      const rank = this.#rank(end);
      let at = end;
      for (; at > this.#marks && this.#rank(at - 1) > rank; at--) {
        this.#codePoints[at] = this.#codePoints[at - 1] as number;
        this.#consumed[at] = this.#consumed[at - 1] as number;
      }
      this.#codePoints[at] = codePoint;
      this.#consumed[at] = consumed;
    }
  }

  #orderManyMarks(): void {
    const marks = Array.from({ length: this.#length - this.#marks }, (_, i) => {
      const index = this.#marks + i;
      return { codePoint: this.codePoint(index), consumed: this.consumed(index), rank: this.#rank(index) };
    });
    for (const [i, mark] of marks.sort((a, b) => a.rank - b.rank).entries()) {
      this.#codePoints[this.#marks + i] = mark.codePoint;
      this.#consumed[this.#marks + i] = mark.consumed;
    }
  }

  #rank(index: number): number {
    return this.#composition.traits(this.#codePoints[index] as number) & RANK;
  }

  #grow(): void {
    const codePoints = new Int32Array(this.#length * 2);
    codePoints.set(this.#codePoints);
    this.#codePoints = codePoints;
    const consumed = new Int32Array(this.#length * 2);
    consumed.set(this.#consumed);
    this.#consumed = consumed;
  }
}
