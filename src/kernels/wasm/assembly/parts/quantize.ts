// Rounding rows to eight bits: symmetric, one step a row.

/** The largest magnitude kept: −128 would have no counterpart. */
const LEVELS: f32 = 127;
/** Adding 1.5 · 2²³ leaves a small number, rounded to the nearest even integer, in the low bits of the float. */
const ROUNDING: f32 = 12582912;

/**
 * Largest magnitude of `width` floats, padded with zeros to whole vectors. Compared as integers, which have the same order
 * once the sign is gone, put NaN on top, and need one instruction.
 */
export function largestMagnitude(x: usize, width: i32): f32 {
  let a = i32x4.splat(0), b = a;
  const end = x + (<usize>width << 2);
  for (; x + 16 < end; x += 32) {
    a = i32x4.max_u(a, f32x4.abs(v128.load(x)));
    b = i32x4.max_u(b, f32x4.abs(v128.load(x, 16)));
  }
  if (x < end) a = i32x4.max_u(a, f32x4.abs(v128.load(x)));
  a = i32x4.max_u(a, b);
  a = i32x4.max_u(a, v128.shuffle<u32>(a, a, 2, 3, 2, 3));
  return reinterpret<f32>(max<u32>(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)));
}

/** What one step of the row's eight-bit values stands for; 0 for a row of zeros. */
// @ts-ignore: decorator
@inline
export function stepOf(magnitude: f32): f32 {
  return magnitude / LEVELS;
}

/** 1 / step; 0 for a row of zeros. */
// @ts-ignore: decorator
@inline
export function inverseOf(step: f32): f32 {
  return step > 0 ? 1 / step : 0;
}

/** Four values as integers in the low bytes of each lane; what stands above is of no use. */
// @ts-ignore: decorator
@inline
export function roundFour(x: usize, inverseStep: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(x), inverseStep), f32x4.splat(ROUNDING));
}

/** The low bytes of four lanes in the first. */
// @ts-ignore: decorator
@inline
export function lowBytes(x: v128): v128 {
  return i8x16.shuffle(x, x, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
}

/** The low bytes of sixteen lanes, in order. */
// @ts-ignore: decorator
@inline
export function lowBytesOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i8x16.shuffle(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  const cd = i8x16.shuffle(c, d, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  return v128.shuffle<u64>(ab, cd, 0, 2);
}
