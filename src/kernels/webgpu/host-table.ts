import type { WeightDType } from "../../core/dtype.ts";
import type { Matrix, MatrixSource } from "../backend.ts";
import { readPadded, rowStride } from "./gpu-matrix.ts";

/**
 * An embedding table in host memory, as stored. A table is larger than most adapters let a kernel see (296 MiB for the
 * 0.6B model), and the token ids are known here: gathering 2 KiB a token costs less than keeping it on the GPU.
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
    const bytes = new Uint8Array(source.rows * rowStride(source));
    const step = Math.max(1, Math.floor(2 ** 24 / rowStride(source)));
    for (let row = 0; row < source.rows; row += step) {
      const count = Math.min(step, source.rows - row);
      await readPadded(source, row, count, bytes.subarray(row * rowStride(source)));
    }
    return new HostTable(source, bytes);
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** Stored rows of the ids, one after the other. */
  gather(ids: Uint32Array): Uint8Array {
    const stride = rowStride(this);
    const rows = new Uint8Array(ids.length * stride);
    for (const [t, id] of ids.entries()) {
      if (id >= this.rows) throw new RangeError(`token id ${id} in a table '${this.name}' of ${this.rows} rows`);
      rows.set(this.#bytes.subarray(id * stride, (id + 1) * stride), t * stride);
    }
    return rows;
  }
}
