// Not a kernel: what this engine's relaxed dot product makes of operands that the specification leaves open.

/** into[i] += weights[i] · x[i] for `count` vectors of sixteen eight-bit values. */
export function dotProbe(weights: usize, x: usize, into: usize, count: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (const end = into + (<usize>count << 4); into < end; into += 16, weights += 16, x += 16) {
      const sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), v128.load(x), v128.load(into));
      v128.store(into, sums);
    }
  }
}
