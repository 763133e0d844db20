// Rounding rows to eight bits: symmetric, one scale a row.

import { maxLanes } from "./vector.ts";

/** The largest magnitude kept: −128 would have no counterpart. */
const LEVELS: f32 = 127;

/** Largest magnitude of `width` floats. */
export function largestMagnitude(x: usize, width: i32): f32 {
  let largest = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= width; i += 4, x += 16) largest = f32x4.max(largest, f32x4.abs(v128.load(x)));
  let result = maxLanes(largest);
  for (; i < width; i++, x += 4) result = max(result, abs<f32>(load<f32>(x)));
  return result;
}

/** What one step of the row's eight-bit values stands for; 0 for a row of zeros. */
// @ts-ignore: decorator
@inline
export function stepOf(magnitude: f32): f32 {
  return magnitude / LEVELS;
}

/** Four values as i32, nearest even. */
// @ts-ignore: decorator
@inline
export function roundFour(x: usize, inverseStep: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), inverseStep)));
}

/** 1 / step; 0 for a row of zeros. */
// @ts-ignore: decorator
@inline
export function inverseOf(step: f32): f32 {
  return step > 0 ? 1 / step : 0;
}

/** The low bytes of four i32, in one. */
// @ts-ignore: decorator
@inline
export function packFour(x: v128): i32 {
  const words = i16x8.narrow_i32x4_s(x, x);
  return i32x4.extract_lane(i8x16.narrow_i16x8_s(words, words), 0);
}
