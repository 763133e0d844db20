import { bytesPerWeight, type WeightDType } from "../core/dtype.ts";
import type { Matrix, MatrixSource } from "./backend.ts";

/** Reads under way: Node's I/O has four threads, new memory costs them time, and one is left to whoever reads a small file. */
const READERS = 3;
/** Bytes read at a time, where more would take more memory. */
const CHUNK_BYTES = 2 ** 23;

/**
 * An embedding table in host memory, as stored. It is the largest matrix of a small model (296 MiB of the 0.6B's) and
 * products never read it; the token ids are known here, and gathering 2 KiB a token costs less than the room it would take
 * where kernels can see it.
 */
export class HostTable implements Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: WeightDType;
  readonly #bytes: Uint8Array;

  private constructor(source: MatrixSource, bytes: Uint8Array) {
    this.name = source.name;
    this.rows = source.rows;
    this.columns = source.columns;
    this.dtype = source.dtype;
    this.#bytes = bytes;
  }

  static async read(source: MatrixSource): Promise<HostTable> {
    const stride = source.columns * bytesPerWeight(source.dtype);
    const bytes = new Uint8Array(source.rows * stride);
    // At once, if it can be: then this thread need not take part.
    const chunkBytes = source.asStored ? bytes.length / READERS : CHUNK_BYTES;
    const step = Math.max(1, Math.ceil(chunkBytes / stride));
    const read = async (reader: number): Promise<void> => {
      for (let row = reader * step; row < source.rows; row += READERS * step) {
        const count = Math.min(step, source.rows - row);
        await source.readRows(row, count, bytes.subarray(row * stride, (row + count) * stride));
      }
    };
    await Promise.all(Array.from({ length: READERS }, (_, reader) => read(reader)));
    return new HostTable(source, bytes);
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** Bytes of a row. */
  get stride(): number {
    return this.columns * bytesPerWeight(this.dtype);
  }

  /**
   * Stored rows of the ids, one after the other, in whole words.
   *
   * @param stride bytes from one row to the next; gaps are zero. @default no gaps
   */
  gather(ids: Uint32Array, stride: number = this.stride): Uint8Array {
    const rows = new Uint8Array(Math.ceil((ids.length * stride) / 4) * 4);
    for (const [t, id] of ids.entries()) {
      if (id >= this.rows) throw new RangeError(`token id ${id} in a table '${this.name}' of ${this.rows} rows`);
      rows.set(this.#bytes.subarray(id * this.stride, (id + 1) * this.stride), t * stride);
    }
    return rows;
  }
}
