import { bytesPerWeight, type WeightDType, widenWeights } from "../../core/dtype.ts";
import type { Matrix, MatrixSource } from "../backend.ts";

/** Weights in JavaScript memory, as stored; widened to float32 row by row when they are used. */
export class HostMatrix implements Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: WeightDType;
  readonly bytes: Uint8Array;

  constructor(source: Omit<MatrixSource, "readRows">, bytes: Uint8Array) {
    this.name = source.name;
    this.rows = source.rows;
    this.columns = source.columns;
    this.dtype = source.dtype;
    this.bytes = bytes;
  }

  static async read(source: MatrixSource): Promise<HostMatrix> {
    const bytes = new Uint8Array(source.rows * source.columns * bytesPerWeight(source.dtype));
    await source.readRows(0, source.rows, bytes);
    return new HostMatrix(source, bytes);
  }

  /** Row `index` as float32, written to `into` `[columns]`. */
  widenRow(index: number, into: Float32Array): void {
    const stride = this.columns * bytesPerWeight(this.dtype);
    widenWeights(this.bytes.subarray(index * stride, (index + 1) * stride), this.dtype, into);
  }
}
