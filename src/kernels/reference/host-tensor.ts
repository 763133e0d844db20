import { Qwen3Error } from "../../core/errors.ts";
import type { Activation } from "../backend.ts";

/** A float32 matrix `[rows, width]` in JavaScript memory, row-major. */
export class HostTensor implements Activation {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;

  constructor(rows: number, width: number, data: Float32Array = new Float32Array(rows * width)) {
    if (data.length !== rows * width) {
      throw new Qwen3Error(
        "invalid-argument",
        `a [${rows}, ${width}] tensor needs ${rows * width} values, got ${data.length}`,
      );
    }
    this.rows = rows;
    this.width = width;
    this.data = data;
  }

  /** Row `index` as a view of width `width`. */
  row(index: number): Float32Array {
    return this.data.subarray(index * this.width, (index + 1) * this.width);
  }

  /** Columns `start` up to `end`, copied. */
  columns(start: number, end: number): HostTensor {
    const out = new HostTensor(this.rows, end - start);
    for (let t = 0; t < this.rows; t++) out.row(t).set(this.row(t).subarray(start, end));
    return out;
  }
}
