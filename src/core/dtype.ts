import { float16Values } from "./float16.ts";

/** Every dtype of the safetensors format. */
export type DType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "F8_E4M3"
  | "F8_E5M2"
  | "F8_E8M0"
  | "F8_E4M3FNUZ"
  | "F8_E5M2FNUZ"
  | "F6_E2M3"
  | "F6_E3M2"
  | "F4"
  | "C64"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/** Size of one element in bits. */
export const DTYPE_BITS: Readonly<Record<DType, number>> = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  C64: 64,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
};

/** How a matrix of weights may be stored in a checkpoint that we can run. */
export type WeightDType = "F32" | "BF16" | "F16";

export function isWeightDType(dtype: DType): dtype is WeightDType {
  return dtype === "F32" || dtype === "BF16" || dtype === "F16";
}

/** Bytes per element of a weight dtype. */
export function bytesPerWeight(dtype: WeightDType): 2 | 4 {
  return dtype === "F32" ? 4 : 2;
}

/**
 * Widens stored weights to float32; exact for all three dtypes.
 *
 * @param bytes little-endian elements; any byte alignment
 * @param into receives `bytes.byteLength / bytesPerWeight(dtype)` values
 */
export function widenWeights(bytes: Uint8Array, dtype: WeightDType, into: Float32Array): void {
  switch (dtype) {
    case "F32":
      new Uint8Array(into.buffer, into.byteOffset, bytes.byteLength).set(bytes);
      return;
    case "BF16":
      widenBf16(bytes, into);
      return;
    case "F16":
      widenF16(bytes, into);
      return;
    default:
      dtype satisfies never;
  }
}

/** bf16 is the upper half of a float32: two bytes per value move up by 16 bits. */
function widenBf16(bytes: Uint8Array, into: Float32Array): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
  const count = bytes.byteLength >> 1;
  for (let i = 0; i < count; i++) {
    bits[i] = ((bytes[2 * i] as number) << 16) | ((bytes[2 * i + 1] as number) << 24);
  }
}

function widenF16(bytes: Uint8Array, into: Float32Array): void {
  const values = float16Values();
  const count = bytes.byteLength >> 1;
  for (let i = 0; i < count; i++)
    into[i] = values[(bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8)] as number;
}
