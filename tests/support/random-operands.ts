import { Float16Array } from "@petamoriken/float16";
import { narrowToBf16 } from "../../src/core/bf16.ts";
import { bytesPerWeight, type WeightDType } from "../../src/core/dtype.ts";
import type { Activation, Backend, MatrixSource, Recording, RotaryTable } from "../../src/kernels/backend.ts";

/** Numbers between −1 and 1, the same for the same seed. */
export function noise(length: number, seed: number): Float32Array {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Random weights stored as `dtype`, about as large as a trained layer's. */
export function randomMatrix(rows: number, columns: number, dtype: WeightDType, seed: number): MatrixSource {
  const values = noise(rows * columns, seed).map((value) => value / Math.sqrt(columns));
  return matrixOf(values, columns, dtype);
}

export function matrixOf(values: Float32Array, columns: number, dtype: WeightDType): MatrixSource {
  const bytes = stored(values, dtype);
  const stride = columns * bytesPerWeight(dtype);
  return {
    name: `test.${values.length / columns}x${columns}.${dtype}`,
    rows: values.length / columns,
    columns,
    dtype,
    async readRows(start, count, into) {
      into.set(bytes.subarray(start * stride, (start + count) * stride));
    },
  };
}

function stored(values: Float32Array, dtype: WeightDType): Uint8Array {
  if (dtype === "BF16") return narrowToBf16(values);
  return new Uint8Array(dtype === "F16" ? new Float16Array(values).buffer : values.buffer);
}

/** Brings values `[rows, width]` onto a backend: they are looked up in a table that holds them. */
export async function activationOf(
  backend: Backend,
  ops: Recording,
  values: Float32Array,
  width: number,
): Promise<Activation> {
  const table = await backend.loadMatrix(matrixOf(values, width, "F32"), "table");
  return ops.embed(
    table,
    Uint32Array.from({ length: table.rows }, (_, row) => row),
  );
}

/** A table as the model makes it, with θ = 1e4. */
export function rotaryTable(positions: number, halfDim: number): RotaryTable {
  const angles = Float32Array.from({ length: positions * halfDim }, (_, i) => {
    return Math.floor(i / halfDim) * 1e4 ** (-(i % halfDim) / halfDim);
  });
  return { positions, halfDim, cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}
