// Widening stored weights to float32, exactly. 16-bit panels hold columns in the order 0 4 1 5 2 6 3 7.

/** How the values of a matrix are stored; the launchers use the same numbers (matrix.ts). */
export const F32: i32 = 0;
export const BF16: i32 = 1;
export const F16: i32 = 2;

/** 2¹¹², which moves a float16 exponent (bias 15) placed in a float32 (bias 127) to where it belongs. */
const F16_TO_F32: f32 = 5.192296858534828e33;

/** Four values that stand in the upper halves of the lanes; the lower halves are zero. */
// @ts-ignore: decorator
@inline
export function widenHigh(TYPE: i32, x: v128): v128 {
  if (TYPE === BF16) return x;
  const sign = v128.and(x, i32x4.splat(<i32>0x80000000));
  const magnitude = i32x4.shr_u(v128.andnot(x, i32x4.splat(<i32>0x80000000)), 3);
  return v128.or(f32x4.mul(magnitude, f32x4.splat(F16_TO_F32)), sign);
}

/** Columns 0–3 of eight 16-bit values in panel order. Shifts alone: V8 would make the constant of a mask anew every time. */
// @ts-ignore: decorator
@inline
export function widenEven(TYPE: i32, x: v128): v128 {
  return widenHigh(TYPE, i32x4.shl(x, 16));
}

/** Columns 4–7 of eight 16-bit values in panel order. */
// @ts-ignore: decorator
@inline
export function widenOdd(TYPE: i32, x: v128): v128 {
  return widenHigh(TYPE, i32x4.shl(i32x4.shr_u(x, 16), 16));
}

/**
 * Columns 0 4 1 5, the first four in panel order. Shuffles take no turn of the multipliers', as shifts do, but a register for
 * zeros, which the largest register tile has not got: 34 → 30 GFLOP/s for six rows, 32 → 37 for four, 17 → 26 for one.
 */
// @ts-ignore: decorator
@inline
export function widenFirst(TYPE: i32, x: v128): v128 {
  return widenHigh(TYPE, v128.shuffle<u16>(i32x4.splat(0), x, 0, 8, 1, 9, 2, 10, 3, 11));
}

/** Columns 2 6 3 7, the last four. */
// @ts-ignore: decorator
@inline
export function widenLast(TYPE: i32, x: v128): v128 {
  return widenHigh(TYPE, v128.shuffle<u16>(i32x4.splat(0), x, 4, 12, 5, 13, 6, 14, 7, 15));
}

/** One stored value. */
// @ts-ignore: decorator
@inline
export function widenOne(TYPE: i32, at: usize): f32 {
  if (TYPE === F32) return load<f32>(at);
  return f32x4.extract_lane(widenHigh(TYPE, i32x4.splat(i32(load<u16>(at)) << 16)), 0);
}

/** Widens `count` consecutive 16-bit values. */
// @ts-ignore: decorator
@inline
export function widenRow(TYPE: i32, from: usize, into: usize, count: i32): void {
  const zero = i32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8, from += 16, into += 32) {
    const x = v128.load(from);
    v128.store(into, widenHigh(TYPE, v128.shuffle<u16>(zero, x, 0, 8, 1, 9, 2, 10, 3, 11)));
    v128.store(into, widenHigh(TYPE, v128.shuffle<u16>(zero, x, 4, 12, 5, 13, 6, 14, 7, 15)), 16);
  }
  for (; i < count; i++, from += 2, into += 4) store<f32>(into, widenOne(TYPE, from));
}

/** Widens `depth` rows of a 16-bit column panel to [depth, 8] float32. */
// @ts-ignore: decorator
@inline
export function widenPanel(TYPE: i32, from: usize, into: usize, depth: i32): void {
  for (const end = from + (<usize>depth << 4); from < end; from += 16, into += 32) {
    const x = v128.load(from);
    v128.store(into, widenEven(TYPE, x));
    v128.store(into, widenOdd(TYPE, x), 16);
  }
}
