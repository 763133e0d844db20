import type { DType } from "./dtype.ts";
import { isWeightDType, widenWeights } from "./dtype.ts";
import { float8Values } from "./float8.ts";

/** The dtypes that {@link toFloat32} reads: all real numbers of a whole number of bytes. */
export type NumericDType = Exclude<DType, "C64" | "F4" | "F6_E2M3" | "F6_E3M2">;

/** Complex numbers have no real value, and how 4- and 6-bit floats are packed is not part of the format. */
export function isNumericDType(dtype: DType): dtype is NumericDType {
  return dtype !== "C64" && dtype !== "F4" && dtype !== "F6_E2M3" && dtype !== "F6_E3M2";
}

/**
 * Converts stored elements to the nearest float32. Exact for the weight dtypes, the 8-bit floats and small integers.
 *
 * @param bytes little-endian elements; any byte alignment
 * @param into receives one value for each element, from its start
 */
export function toFloat32(bytes: Uint8Array, dtype: NumericDType, into: Float32Array): void {
  if (isWeightDType(dtype)) {
    widenWeights(bytes, dtype, into);
    return;
  }
  const { width, read } = READERS[dtype]();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / width;
  for (let i = 0; i < count; i++) into[i] = read(view, i * width);
}

interface Reader {
  /** Bytes per element. */
  readonly width: 1 | 2 | 4 | 8;
  readonly read: (view: DataView, at: number) => number;
}

const READERS: Readonly<Record<Exclude<NumericDType, "F32" | "BF16" | "F16">, () => Reader>> = {
  F64: () => ({ width: 8, read: (view, at) => view.getFloat64(at, true) }),
  I64: () => ({ width: 8, read: (view, at) => nearestFloat32(view.getBigInt64(at, true)) }),
  U64: () => ({ width: 8, read: (view, at) => nearestFloat32(view.getBigUint64(at, true)) }),
  I32: () => ({ width: 4, read: (view, at) => view.getInt32(at, true) }),
  U32: () => ({ width: 4, read: (view, at) => view.getUint32(at, true) }),
  I16: () => ({ width: 2, read: (view, at) => view.getInt16(at, true) }),
  U16: () => ({ width: 2, read: (view, at) => view.getUint16(at, true) }),
  I8: () => ({ width: 1, read: (view, at) => view.getInt8(at) }),
  U8: () => ({ width: 1, read: (view, at) => view.getUint8(at) }),
  BOOL: () => ({ width: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) }),
  F8_E4M3: () => float8Reader("F8_E4M3"),
  F8_E5M2: () => float8Reader("F8_E5M2"),
  F8_E8M0: () => float8Reader("F8_E8M0"),
  F8_E4M3FNUZ: () => float8Reader("F8_E4M3FNUZ"),
  F8_E5M2FNUZ: () => float8Reader("F8_E5M2FNUZ"),
};

function float8Reader(dtype: Parameters<typeof float8Values>[0]): Reader {
  const values = float8Values(dtype);
  return { width: 1, read: (view, at) => values[view.getUint8(at)] as number };
}

/**
 * A 64-bit integer rounded once. Going through a double would round twice, so the bits that a double cannot hold are
 * folded into its lowest one first ("round to odd"), far below what decides the float32.
 */
function nearestFloat32(value: bigint): number {
  if (BigInt.asIntN(54, value) === value) return Math.fround(Number(value));
  const folded = (value >> 12n) | ((value & 0xfffn) === 0n ? 0n : 1n);
  return Math.fround(Number(folded) * 4096);
}
