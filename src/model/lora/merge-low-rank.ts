import { Qwen3Error } from "../../core/errors.ts";
import type { MatrixSource } from "../../kernels/backend.ts";
import { convertRows } from "../weight-source.ts";

/** The update scale · up · down of a matrix [rows, columns]. */
export interface LowRank {
  readonly rows: number;
  readonly columns: number;
  readonly rank: number;
  readonly scale: number;
  /** lora_A [rank, columns] */
  readonly down: Float32Array;
  /** lora_B [rows, rank] */
  readonly up: Float32Array;
}

/** W + scale · up · down in float32, row by row as it is read. */
export function mergeLowRank(source: MatrixSource, update: LowRank): MatrixSource {
  const { name, rows, columns } = source;
  if (rows !== update.rows || columns !== update.columns) {
    const message = `LoRA update of '${name}' has shape [${update.rows}, ${update.columns}], expected [${rows}, ${columns}]; is it the adapter's own base model?`;
    throw new Qwen3Error("invalid-checkpoint", message);
  }
  const wide = convertRows(source, "F32");
  return {
    name,
    rows,
    columns,
    dtype: "F32",
    async readRows(start, count, into) {
      const values = new Float32Array(count * columns);
      await wide.readRows(start, count, new Uint8Array(values.buffer));
      for (let row = 0; row < count; row++) {
        addUpdate(values.subarray(row * columns, (row + 1) * columns), start + row, update);
      }
      into.set(new Uint8Array(values.buffer));
    },
  };
}

/** values += scale · up[row] · down */
function addUpdate(values: Float32Array, row: number, { rank, columns, scale, down, up }: LowRank): void {
  const sums = new Float64Array(columns);
  for (let k = 0; k < rank; k++) {
    const factor = scale * (up[row * rank + k] as number);
    for (let i = 0; i < columns; i++) sums[i] = (sums[i] as number) + factor * (down[k * columns + i] as number);
  }
  for (let i = 0; i < columns; i++) values[i] = (values[i] as number) + (sums[i] as number);
}
