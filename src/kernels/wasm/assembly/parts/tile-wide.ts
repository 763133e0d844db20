// Register tiles of sixteen columns, for engines that join pairs of 128-bit operations into 256-bit ones
// (V8's --experimental-wasm-revectorize): a tile of eight columns would then have six chains of sums, each waiting for the
// one before, where twelve are needed to keep two multipliers busy. Measured on two cores of a Xeon, in one product:
// 393 → 617 GOP/s for eight-bit values, 106 → 140 GFLOP/s for float32. Without joining, half of the sums would not fit
// the registers. The results are those of the narrow tiles to the bit.

import { PANEL_HEAD, dot, storeRow } from "./tile-int.ts";
import { madd } from "./vector.ts";

/** c[rows, 16] += a[depth, rows] · b[depth, 8] and the panel `next` bytes after b, all float32; `ahead` as in tile.ts. */
// @ts-ignore: decorator
@inline
function tile(
  ROWS: i32, a: usize, b: usize, next: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize,
): void {
  const zero = f32x4.splat(0);
  let r = c;
  let c00 = v128.load(r), c01 = v128.load(r, 16), c02 = v128.load(r, 32), c03 = v128.load(r, 48);
  let c10 = zero, c11 = zero, c12 = zero, c13 = zero, c20 = zero, c21 = zero, c22 = zero, c23 = zero;
  let c30 = zero, c31 = zero, c32 = zero, c33 = zero, c40 = zero, c41 = zero, c42 = zero, c43 = zero;
  let c50 = zero, c51 = zero, c52 = zero, c53 = zero;
  if (ROWS > 1) { r += stride; c10 = v128.load(r); c11 = v128.load(r, 16); c12 = v128.load(r, 32); c13 = v128.load(r, 48); }
  if (ROWS > 2) { r += stride; c20 = v128.load(r); c21 = v128.load(r, 16); c22 = v128.load(r, 32); c23 = v128.load(r, 48); }
  if (ROWS > 3) { r += stride; c30 = v128.load(r); c31 = v128.load(r, 16); c32 = v128.load(r, 32); c33 = v128.load(r, 48); }
  if (ROWS > 4) { r += stride; c40 = v128.load(r); c41 = v128.load(r, 16); c42 = v128.load(r, 32); c43 = v128.load(r, 48); }
  if (ROWS > 5) { r += stride; c50 = v128.load(r); c51 = v128.load(r, 16); c52 = v128.load(r, 32); c53 = v128.load(r, 48); }
  let d = b + next;
  for (; depth > 0; depth--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(d), b3 = v128.load(d, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); c02 = madd(x, b2, c02); c03 = madd(x, b3, c03);
    if (ROWS > 1) { x = v128.load32_splat(a, 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); c12 = madd(x, b2, c12); c13 = madd(x, b3, c13); }
    if (ROWS > 2) { x = v128.load32_splat(a, 8); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); c22 = madd(x, b2, c22); c23 = madd(x, b3, c23); }
    if (ROWS > 3) { x = v128.load32_splat(a, 12); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); c32 = madd(x, b2, c32); c33 = madd(x, b3, c33); }
    if (ROWS > 4) { x = v128.load32_splat(a, 16); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); c42 = madd(x, b2, c42); c43 = madd(x, b3, c43); }
    if (ROWS > 5) { x = v128.load32_splat(a, 20); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); c52 = madd(x, b2, c52); c53 = madd(x, b3, c53); }
    load<u8>(ahead);
    ahead += aheadStep;
    a += ROWS << 2;
    b += 32;
    d += 32;
  }
  store(c, c00, c01, c02, c03);
  if (ROWS > 1) store((c += stride), c10, c11, c12, c13);
  if (ROWS > 2) store((c += stride), c20, c21, c22, c23);
  if (ROWS > 3) store((c += stride), c30, c31, c32, c33);
  if (ROWS > 4) store((c += stride), c40, c41, c42, c43);
  if (ROWS > 5) store((c += stride), c50, c51, c52, c53);
}

// @ts-ignore: decorator
@inline
function store(c: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  v128.store(c, v0);
  v128.store(c, v1, 16);
  v128.store(c, v2, 32);
  v128.store(c, v3, 48);
}

/** As multiplyTile for float32, with the panel `next` bytes after b too. */
export function multiplyTileWide(
  rows: i32, a: usize, b: usize, next: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize,
): void {
  switch (rows) {
    case 1: return tile(1, a, b, next, depth, c, stride, ahead, aheadStep);
    case 2: return tile(2, a, b, next, depth, c, stride, ahead, aheadStep);
    case 3: return tile(3, a, b, next, depth, c, stride, ahead, aheadStep);
    case 4: return tile(4, a, b, next, depth, c, stride, ahead, aheadStep);
    case 5: return tile(5, a, b, next, depth, c, stride, ahead, aheadStep);
    default: return tile(6, a, b, next, depth, c, stride, ahead, aheadStep);
  }
}

/** c[rows, 16] = a · b · steps and the same with the panel `next` bytes after b; else as tileI8. Fetching ahead costs this loop 8 %. */
// @ts-ignore: decorator
@inline
function tileI8(
  ROWS: i32, a: usize, aSteps: usize, b: usize, next: usize, depth: i32, c: usize, stride: usize,
): void {
  let d = b + next;
  const s = b, t = d;
  const o0 = v128.load(b, 32), o1 = v128.load(b, 48), o2 = v128.load(d, 32), o3 = v128.load(d, 48);
  let c00 = o0, c01 = o1, c02 = o2, c03 = o3, c10 = o0, c11 = o1, c12 = o2, c13 = o3, c20 = o0, c21 = o1, c22 = o2, c23 = o3;
  let c30 = o0, c31 = o1, c32 = o2, c33 = o3, c40 = o0, c41 = o1, c42 = o2, c43 = o3, c50 = o0, c51 = o1, c52 = o2, c53 = o3;
  b += PANEL_HEAD;
  d += PANEL_HEAD;
  for (; depth > 0; depth--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(d), b3 = v128.load(d, 16);
    let x = v128.load32_splat(a);
    c00 = dot(b0, x, c00); c01 = dot(b1, x, c01); c02 = dot(b2, x, c02); c03 = dot(b3, x, c03);
    if (ROWS > 1) { x = v128.load32_splat(a, 4); c10 = dot(b0, x, c10); c11 = dot(b1, x, c11); c12 = dot(b2, x, c12); c13 = dot(b3, x, c13); }
    if (ROWS > 2) { x = v128.load32_splat(a, 8); c20 = dot(b0, x, c20); c21 = dot(b1, x, c21); c22 = dot(b2, x, c22); c23 = dot(b3, x, c23); }
    if (ROWS > 3) { x = v128.load32_splat(a, 12); c30 = dot(b0, x, c30); c31 = dot(b1, x, c31); c32 = dot(b2, x, c32); c33 = dot(b3, x, c33); }
    if (ROWS > 4) { x = v128.load32_splat(a, 16); c40 = dot(b0, x, c40); c41 = dot(b1, x, c41); c42 = dot(b2, x, c42); c43 = dot(b3, x, c43); }
    if (ROWS > 5) { x = v128.load32_splat(a, 20); c50 = dot(b0, x, c50); c51 = dot(b1, x, c51); c52 = dot(b2, x, c52); c53 = dot(b3, x, c53); }
    a += ROWS << 2;
    b += 32;
    d += 32;
  }
  const s0 = v128.load(s), s1 = v128.load(s, 16), s2 = v128.load(t), s3 = v128.load(t, 16);
  storeRow(c, c00, c01, s0, s1, aSteps, 0); storeRow(c + 32, c02, c03, s2, s3, aSteps, 0);
  if (ROWS > 1) { storeRow((c += stride), c10, c11, s0, s1, aSteps, 4); storeRow(c + 32, c12, c13, s2, s3, aSteps, 4); }
  if (ROWS > 2) { storeRow((c += stride), c20, c21, s0, s1, aSteps, 8); storeRow(c + 32, c22, c23, s2, s3, aSteps, 8); }
  if (ROWS > 3) { storeRow((c += stride), c30, c31, s0, s1, aSteps, 12); storeRow(c + 32, c32, c33, s2, s3, aSteps, 12); }
  if (ROWS > 4) { storeRow((c += stride), c40, c41, s0, s1, aSteps, 16); storeRow(c + 32, c42, c43, s2, s3, aSteps, 16); }
  if (ROWS > 5) { storeRow((c += stride), c50, c51, s0, s1, aSteps, 20); storeRow(c + 32, c52, c53, s2, s3, aSteps, 20); }
}

/** As multiplyTileInt for I8, with the panel `next` bytes after b too. */
export function multiplyTileWideI8(
  rows: i32, a: usize, aSteps: usize, b: usize, next: usize, depth: i32, c: usize, stride: usize,
): void {
  switch (rows) {
    case 1: return tileI8(1, a, aSteps, b, next, depth, c, stride);
    case 2: return tileI8(2, a, aSteps, b, next, depth, c, stride);
    case 3: return tileI8(3, a, aSteps, b, next, depth, c, stride);
    case 4: return tileI8(4, a, aSteps, b, next, depth, c, stride);
    case 5: return tileI8(5, a, aSteps, b, next, depth, c, stride);
    default: return tileI8(6, a, aSteps, b, next, depth, c, stride);
  }
}
