// Softmax over keys that come in blocks: a running maximum and a running sum for every query, each in a lane of its own.

import { exp2 } from "./exp2.ts";

/**
 * Turns the scores [keys, columns] of eight queries into weights 2^(score − maximum), where the maximum is that of all
 * blocks so far, adds them to `totals`, and rescales totals and sums [depth, columns] of earlier blocks if a maximum rose.
 * Addresses are those of the first of the eight; `stride` is the bytes of a row of scores and sums.
 */
export function weighBlock(
  scores: usize, keys: i32, maxima: usize, totals: usize, sums: usize, depth: i32, stride: usize, constants: usize,
): void {
  const end = scores + <usize>keys * stride;
  const before0 = v128.load(maxima), before1 = v128.load(maxima, 16);
  let m0 = before0, m1 = before1;
  for (let s = scores; s < end; s += stride) {
    m0 = f32x4.pmax(m0, v128.load(s));
    m1 = f32x4.pmax(m1, v128.load(s, 16));
  }
  let t0 = v128.load(totals), t1 = v128.load(totals, 16);
  if (v128.any_true(v128.or(f32x4.ne(before0, m0), f32x4.ne(before1, m1)))) {
    const f0 = exp2(f32x4.sub(before0, m0), constants), f1 = exp2(f32x4.sub(before1, m1), constants);
    t0 = f32x4.mul(t0, f0);
    t1 = f32x4.mul(t1, f1);
    v128.store(maxima, m0);
    v128.store(maxima, m1, 16);
    rescale(sums, depth, stride, f0, f1);
  }
  for (let s = scores; s < end; s += stride) {
    const w0 = exp2(f32x4.sub(v128.load(s), m0), constants), w1 = exp2(f32x4.sub(v128.load(s, 16), m1), constants);
    v128.store(s, w0);
    v128.store(s, w1, 16);
    t0 = f32x4.add(t0, w0);
    t1 = f32x4.add(t1, w1);
  }
  v128.store(totals, t0);
  v128.store(totals, t1, 16);
}

/** Multiplies eight columns of [rows, *] by a factor each. */
// @ts-ignore: decorator
@inline
function rescale(at: usize, rows: i32, stride: usize, f0: v128, f1: v128): void {
  for (const end = at + <usize>rows * stride; at < end; at += stride) {
    v128.store(at, f32x4.mul(v128.load(at), f0));
    v128.store(at, f32x4.mul(v128.load(at, 16), f1), 16);
  }
}
