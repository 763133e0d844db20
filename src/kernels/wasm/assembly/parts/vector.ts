// Small vector helpers shared by the kernels.

/** a · b + c in every lane: one rounding where the engine has relaxed SIMD on FMA hardware, two elsewhere. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The four lanes added as (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<u32>(x, x, 2, 3, 2, 3));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Sum of squares of `width` floats, in sixteen interleaved partial sums: one chain of additions would wait for itself. */
export function sumOfSquares(x: usize, width: i32): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  let i = 0;
  for (; i + 16 <= width; i += 16, x += 64) {
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
    s0 = madd(a, a, s0);
    s1 = madd(b, b, s1);
    s2 = madd(c, c, s2);
    s3 = madd(d, d, s3);
  }
  for (; i + 4 <= width; i += 4, x += 16) {
    const a = v128.load(x);
    s0 = madd(a, a, s0);
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; i < width; i++, x += 4) sum += load<f32>(x) * load<f32>(x);
  return sum;
}

/**
 * √x. Not sqrt<f32>: V8 makes that the one instruction here without a VEX prefix, and where it revectorizes each costs some
 * 500 cycles, for the upper halves of the registers are in use (18 % of the qkv kernel's time).
 */
// @ts-ignore: decorator
@inline
export function squareRoot(x: f32): f32 {
  return f32x4.extract_lane(f32x4.sqrt(f32x4.splat(x)), 0);
}

/** into = x · scale · weight, elementwise; `into` may be `x`. */
export function scaleByWeight(x: usize, scale: f32, weight: usize, into: usize, width: i32): void {
  const factor = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= width; i += 4) {
    const at = <usize>i << 2;
    v128.store(into + at, f32x4.mul(f32x4.mul(v128.load(x + at), factor), v128.load(weight + at)));
  }
  for (; i < width; i++) {
    const at = <usize>i << 2;
    store<f32>(into + at, load<f32>(x + at) * scale * load<f32>(weight + at));
  }
}
