import type { DType } from "./dtype.ts";

/** The 8-bit float formats, which differ in where their bits go and in what they spend on NaN and infinity. */
export type Float8DType = Extract<DType, `F8_${string}`>;

interface Float8Format {
  readonly mantissaBits: number;
  readonly bias: number;
  /** `ieee`: the top exponent is infinity and NaN. `finite`: only all ones is NaN. `unsigned-zero`: only 0x80 is. */
  readonly special: "ieee" | "finite" | "unsigned-zero";
}

const FORMATS: Readonly<Record<Exclude<Float8DType, "F8_E8M0">, Float8Format>> = {
  F8_E4M3: { mantissaBits: 3, bias: 7, special: "finite" },
  F8_E5M2: { mantissaBits: 2, bias: 15, special: "ieee" },
  F8_E4M3FNUZ: { mantissaBits: 3, bias: 8, special: "unsigned-zero" },
  F8_E5M2FNUZ: { mantissaBits: 2, bias: 16, special: "unsigned-zero" },
};

/** The float32 value of each of a format's 256 bit patterns; every one is exact. */
export function float8Values(dtype: Float8DType): Float32Array {
  // E8M0 is a power of two without sign or mantissa, the scale of a block; its smallest value is a float32 subnormal.
  if (dtype === "F8_E8M0")
    return Float32Array.from({ length: 256 }, (_, bits) => (bits === 255 ? NaN : 2 ** (bits - 127)));
  const format = FORMATS[dtype];
  return Float32Array.from({ length: 256 }, (_, bits) => float8Value(bits, format));
}

function float8Value(bits: number, { mantissaBits, bias, special }: Float8Format): number {
  const sign = bits & 0x80 ? -1 : 1;
  const magnitude = bits & 0x7f;
  const exponent = magnitude >> mantissaBits;
  const fraction = (magnitude & ((1 << mantissaBits) - 1)) / (1 << mantissaBits);
  if (special === "unsigned-zero" && bits === 0x80) return NaN;
  if (special === "finite" && magnitude === 0x7f) return NaN;
  if (special === "ieee" && exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}
