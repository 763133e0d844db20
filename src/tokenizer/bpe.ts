import type { MergeTable } from "./merge-table.ts";
import type { IdBuffer } from "./id-buffer.ts";

/** Byte-pair encoding of one word: the adjacent pair with the lowest rank is joined first, the leftmost of equal ones. */
export class Bpe {
  readonly #merges: MergeTable;
  /** Id of every single byte. */
  readonly #byteIds: Int32Array;

  constructor(merges: MergeTable, byteIds: Int32Array) {
    this.#merges = merges;
    this.#byteIds = byteIds;
  }

  encode(bytes: Uint8Array, start: number, end: number, into: IdBuffer): void {
    const parts = Array.from(bytes.subarray(start, end), (byte) => this.#byteIds[byte] as number);
    while (parts.length > 1) {
      let best = -1;
      let bestSlot = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const slot = this.#merges.find(parts[i] as number, parts[i + 1] as number);
        if (slot !== -1 && (best === -1 || this.#merges.rank(slot) < this.#merges.rank(bestSlot))) {
          best = i;
          bestSlot = slot;
        }
      }
      if (best === -1) break;
      parts.splice(best, 2, this.#merges.id(bestSlot));
    }
    for (const id of parts) into.push(id);
  }
}
