// 2ˣ in four lanes, for weights of attention: scores multiplied by log₂ e beforehand need no other exp.
// Within 2e-7 of the true value, relative to it, from −126 up (tests/kernels/wasm/exp.test.ts); below that results are as
// near as float32 numbers lie there.

import { madd } from "./vector.ts";

/** Bytes of the constants that exp2 reads. Those in code V8 makes anew wherever they are used, by three instructions each. */
export const EXP2_BYTES: usize = 32;

/** Writes the constants. */
export function writeExp2(at: usize): void {
  store<f32>(at, -127);
  store<f32>(at, 12582912 + 127, 4); // adding 1.5 · 2²³ rounds to a whole number and leaves it in the low bits
  // Minimax polynomial of (2ʳ − 1) / r for |r| ≤ ½, in relative error of 1 + r · polynomial.
  store<f32>(at, 1.32647157e-3, 8);
  store<f32>(at, 9.67151299e-3, 12);
  store<f32>(at, 5.55073395e-2, 16);
  store<f32>(at, 0.240222424, 20);
  store<f32>(at, 0.693147004, 24);
  store<f32>(at, 1, 28);
}

/** 2ˣ per lane, x at most 0: exactly 1 for 0, and 0 from −126.5 down and for NaN. */
// @ts-ignore: decorator
@inline
export function exp2(x: v128, constants: usize): v128 {
  const clamped = f32x4.pmax(v128.load32_splat(constants), x);
  const rounding = v128.load32_splat(constants, 4);
  const rounded = f32x4.add(clamped, rounding); // its low bits are the exponent of the result, biased; 0 for 2⁻¹²⁷
  const r = f32x4.sub(clamped, f32x4.sub(rounded, rounding));
  let p = madd(v128.load32_splat(constants, 8), r, v128.load32_splat(constants, 12));
  p = madd(p, r, v128.load32_splat(constants, 16));
  p = madd(p, r, v128.load32_splat(constants, 20));
  p = madd(p, r, v128.load32_splat(constants, 24));
  p = madd(p, r, v128.load32_splat(constants, 28));
  return f32x4.mul(p, i32x4.shl(rounded, 23));
}
