import { narrowToBf16 } from "../../core/bf16.ts";
import type { WeightDType } from "../../core/dtype.ts";
import type { Activation, Backend, MatrixSource, Ops } from "../backend.ts";

/** What a check needs of the backends that it compares. */
export type CheckBackend = Pick<Backend, "loadMatrix" | "loadNorm">;

/** An activation as large as a large model's outliers, which float16 could not hold. */
export const OUTLIER = 1e5;

/** Numbers in [−1, 1) without a pattern, the same on every call (an integer hash: Wang 2007). */
export function noise(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => hash(i + seed * 1_000_003) / 2 ** 31 - 1);
}

function hash(value: number): number {
  let x = value >>> 0;
  x = (x ^ 61 ^ (x >>> 16)) >>> 0;
  x = (x + (x << 3)) >>> 0;
  x = (x ^ (x >>> 4)) >>> 0;
  x = Math.imul(x, 0x27d4eb2d) >>> 0;
  return (x ^ (x >>> 15)) >>> 0;
}

/** Rows of noise, of which every third has one outlier. [rows, width] */
export function rowsWithOutliers(rows: number, width: number, seed: number): Float32Array {
  const values = noise(rows * width, seed);
  for (let row = 2; row < rows; row += 3) values[row * width + ((row * 5) % width)] = OUTLIER;
  return values;
}

/** Values as an activation. [values.length / width, width] */
export async function activationOf(
  backend: CheckBackend,
  ops: Ops,
  values: Float32Array,
  width: number,
): Promise<Activation> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const table = await backend.loadMatrix(sourceOf({ width, dtype: "F32", bytes }), "table");
  return ops.embed(table, Uint32Array.from({ length: values.length / width }, (_, i) => i)); // oxfmt-ignore
}

/** Stored weights of noise. [rows, width] */
export function weightsOf(rows: number, width: number, dtype: WeightDType, seed: number): MatrixSource {
  return sourceOf({ width, dtype, bytes: storedNoise(rows * width, dtype, seed) });
}

function storedNoise(count: number, dtype: WeightDType, seed: number): Uint8Array {
  const values = noise(count, seed);
  if (dtype === "BF16") return narrowToBf16(values);
  if (dtype === "F32") return new Uint8Array(values.buffer);
  // A float16's bits: sign, the exponent of values from 1/4 to 1/2, any mantissa.
  const bits = Uint16Array.from(values, (value) => 0x3400 | ((value * 2 ** 15) & 0x83ff));
  return new Uint8Array(bits.buffer);
}

interface Stored {
  readonly width: number;
  readonly dtype: WeightDType;
  readonly bytes: Uint8Array;
}

function sourceOf({ width, dtype, bytes }: Stored): MatrixSource {
  const rowBytes = width * (dtype === "F32" ? 4 : 2);
  return {
    name: "self-check",
    rows: bytes.length / rowBytes,
    columns: width,
    dtype,
    async readRows(start, count, into) {
      into.set(bytes.subarray(start * rowBytes, (start + count) * rowBytes));
    },
  };
}
