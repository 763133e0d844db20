// exp in four lanes, after Cody and Waite: x = n·ln 2 + r with |r| ≤ ln 2 / 2, exp(x) = 2ⁿ · exp(r).
// Within 9e-8 of the true value, relative to it, over the whole range below (tests/kernels/wasm/exp.test.ts); what silu
// makes of it within 2.5e-7.

import { madd } from "./vector.ts";

/** Adding 1.5 · 2²³ rounds to a whole number and leaves it in the low bits: cheaper than nearest and a conversion. */
const ROUNDING: f32 = 12582912;
/** exp underflows to 0 below this: the smallest normal float32 is 2⁻¹²⁶. */
const LOWEST: f32 = -87.33654;
/** Above this the result would not be finite. */
const HIGHEST: f32 = 88.37626;
const LOG2_E: f32 = 1.44269504;
/** ln 2 in two parts; the first has trailing zeros, so n · LN2_HIGH is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;

/** exp(x) per lane; 0 below −87.33654 and for NaN, exp(88.37626) above that. Inlined, so that loops keep its constants. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const inRange = f32x4.ge(x, f32x4.splat(LOWEST));
  // pmin and pmax are one instruction each, min and max a dozen for the sake of NaN and −0.
  const clamped = f32x4.pmin(f32x4.splat(HIGHEST), f32x4.pmax(f32x4.splat(LOWEST), x));
  const rounded = madd(clamped, f32x4.splat(LOG2_E), f32x4.splat(ROUNDING));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDING));
  let r = madd(n, f32x4.splat(-LN2_HIGH), clamped);
  r = madd(n, f32x4.splat(-LN2_LOW), r);
  // Minimax polynomial of exp(r) − 1 − r over r², degree 5 (Cephes).
  let p = madd(f32x4.splat(1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  const power = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));
  // 2ⁿ by its exponent bits; n is within [−126, 127] after the clamp.
  const scale = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  return v128.and(f32x4.mul(power, scale), inRange);
}

/** x · sigmoid(x) per lane. */
// @ts-ignore: decorator
@inline
export function silu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}
