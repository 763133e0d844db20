// Rounding rows to eight bits: symmetric, one step a row. What is written are the operands of parts/tile-int.ts.

import { PANEL_COLUMNS } from "./panels.ts";
import { PANEL_HEAD } from "./tile-int.ts";

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
function roundFour(x: usize, inverseStep: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(x), inverseStep), f32x4.splat(ROUNDING));
}

/** The low bytes of four lanes in the first. */
// @ts-ignore: decorator
@inline
function lowBytes(x: v128): v128 {
  return i8x16.shuffle(x, x, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
}

/** The low bytes of sixteen lanes, in order. */
// @ts-ignore: decorator
@inline
function lowBytesOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i8x16.shuffle(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  const cd = i8x16.shuffle(c, d, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  return v128.shuffle<u64>(ab, cd, 0, 2);
}

/** Four depths go to a word, the next word `stride` bytes on; `offset` turns the top bit of each value or is 0. */
export function writeI8(x: usize, depth: i32, inverseStep: f32, into: usize, stride: usize, offset: i32): void {
  const inverse = f32x4.splat(inverseStep), offsets = i32x4.splat(offset);
  let i = 0;
  for (; i + 16 <= depth; i += 16, x += 64) {
    const a = roundFour(x, inverse), b = roundFour(x + 16, inverse), c = roundFour(x + 32, inverse), d = roundFour(x + 48, inverse);
    const bytes = v128.xor(lowBytesOfFour(a, b, c, d), offsets);
    v128.store32_lane(into, bytes, 0);
    v128.store32_lane(into += stride, bytes, 1);
    v128.store32_lane(into += stride, bytes, 2);
    v128.store32_lane(into += stride, bytes, 3);
    into += stride;
  }
  for (; i < depth; i += 4, x += 16, into += stride) v128.store32_lane(into, v128.xor(lowBytes(roundFour(x, inverse)), offsets), 0);
}

/** As writeI8, 16 bits wide: the pairs (0 2) (1 3) of each four depths. */
export function writeI16(x: usize, depth: i32, inverseStep: f32, into: usize, stride: usize): void {
  const inverse = f32x4.splat(inverseStep);
  for (let i = 0; i < depth; i += 4, x += 16, into += stride) {
    const four = roundFour(x, inverse);
    v128.store64_lane(into, i16x8.shuffle(four, four, 0, 4, 2, 6, 0, 4, 2, 6), 0);
  }
}

/**
 * Rounds a row into column `column` of a weight panel: its values, its step times `factor`, and what takes `offset` times
 * their sum off again, if the engine's dot product adds that to the other operand.
 */
export function writeColumn(x: usize, depth: i32, factor: f32, offset: i32, panel: usize, column: i32): void {
  const step = stepOf(largestMagnitude(x, depth));
  panel += <usize>column << 2;
  const sum = writeValues(x, depth, inverseOf(step), panel + PANEL_HEAD);
  store<f32>(panel, step * factor);
  store<i32>(panel, -offset * sum, PANEL_COLUMNS << 2);
}

/** Returns the sum of the values. */
function writeValues(x: usize, depth: i32, inverseStep: f32, into: usize): i32 {
  const inverse = f32x4.splat(inverseStep);
  let sums = i32x4.splat(0);
  for (let k = 0; k < depth; k += 4, x += 16, into += PANEL_COLUMNS << 2) {
    const four = roundFour(x, inverse);
    sums = i32x4.add(sums, i32x4.shr_s(i32x4.shl(four, 24), 24));
    v128.store32_lane(into, lowBytes(four), 0);
  }
  const pairs = i32x4.add(sums, v128.shuffle<u32>(sums, sums, 2, 3, 2, 3));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}
