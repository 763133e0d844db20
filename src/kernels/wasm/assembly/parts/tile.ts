// The register tile: up to six rows by eight columns. Every element of the result is one chain of multiply-adds over
// the depth, in order, whatever the number of rows and wherever the depth is cut: a row's result depends neither on its
// neighbours nor on how the work was divided.

import { madd } from "./vector.ts";
import { BF16, F16, F32, widenEven, widenOdd } from "./widen.ts";

/** Bytes of one step of a column panel: eight values. */
// @ts-ignore: decorator
@inline
export function stepBytes(TYPE: i32): usize {
  return TYPE === F32 ? 32 : 16;
}

/**
 * c[rows, 8] += a[depth, rows] · b[depth, 8]; c has `stride` bytes a row. Meanwhile every step loads a byte, `aheadStep` on
 * from the last: weights that are needed next come from memory while these are multiplied.
 */
// @ts-ignore: decorator
@inline
function tile(
  TYPE: i32, ROWS: i32, a: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize,
): void {
  const zero = f32x4.splat(0);
  let r = c;
  let c00 = v128.load(r), c01 = v128.load(r, 16);
  let c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  if (ROWS > 1) { r += stride; c10 = v128.load(r); c11 = v128.load(r, 16); }
  if (ROWS > 2) { r += stride; c20 = v128.load(r); c21 = v128.load(r, 16); }
  if (ROWS > 3) { r += stride; c30 = v128.load(r); c31 = v128.load(r, 16); }
  if (ROWS > 4) { r += stride; c40 = v128.load(r); c41 = v128.load(r, 16); }
  if (ROWS > 5) { r += stride; c50 = v128.load(r); c51 = v128.load(r, 16); }
  for (; depth > 0; depth--) {
    const w = v128.load(b);
    const b0 = TYPE === F32 ? w : widenEven(TYPE, w);
    const b1 = TYPE === F32 ? v128.load(b, 16) : widenOdd(TYPE, w);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
    if (ROWS > 1) { x = v128.load32_splat(a, 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); }
    if (ROWS > 2) { x = v128.load32_splat(a, 8); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); }
    if (ROWS > 3) { x = v128.load32_splat(a, 12); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); }
    if (ROWS > 4) { x = v128.load32_splat(a, 16); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); }
    if (ROWS > 5) { x = v128.load32_splat(a, 20); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); }
    load<u8>(ahead); // loads may trap, so no compiler drops one
    ahead += aheadStep;
    a += ROWS << 2;
    b += stepBytes(TYPE);
  }
  r = c;
  v128.store(r, c00); v128.store(r, c01, 16);
  if (ROWS > 1) { r += stride; v128.store(r, c10); v128.store(r, c11, 16); }
  if (ROWS > 2) { r += stride; v128.store(r, c20); v128.store(r, c21, 16); }
  if (ROWS > 3) { r += stride; v128.store(r, c30); v128.store(r, c31, 16); }
  if (ROWS > 4) { r += stride; v128.store(r, c40); v128.store(r, c41, 16); }
  if (ROWS > 5) { r += stride; v128.store(r, c50); v128.store(r, c51, 16); }
}

// @ts-ignore: decorator
@inline
function anyTile(TYPE: i32, rows: i32, a: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize): void {
  switch (rows) {
    case 1: return tile(TYPE, 1, a, b, depth, c, stride, ahead, aheadStep);
    case 2: return tile(TYPE, 2, a, b, depth, c, stride, ahead, aheadStep);
    case 3: return tile(TYPE, 3, a, b, depth, c, stride, ahead, aheadStep);
    case 4: return tile(TYPE, 4, a, b, depth, c, stride, ahead, aheadStep);
    case 5: return tile(TYPE, 5, a, b, depth, c, stride, ahead, aheadStep);
    default: return tile(TYPE, 6, a, b, depth, c, stride, ahead, aheadStep);
  }
}

function tileF32(rows: i32, a: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize): void {
  anyTile(F32, rows, a, b, depth, c, stride, ahead, aheadStep);
}
function tileBf16(rows: i32, a: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize): void {
  anyTile(BF16, rows, a, b, depth, c, stride, ahead, aheadStep);
}
function tileF16(rows: i32, a: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize): void {
  anyTile(F16, rows, a, b, depth, c, stride, ahead, aheadStep);
}

/** The tile for weights of type TYPE, a constant. */
// @ts-ignore: decorator
@inline
export function multiplyTile(TYPE: i32, rows: i32, a: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize): void {
  if (TYPE === F32) tileF32(rows, a, b, depth, c, stride, ahead, aheadStep);
  else if (TYPE === BF16) tileBf16(rows, a, b, depth, c, stride, ahead, aheadStep);
  else tileF16(rows, a, b, depth, c, stride, ahead, aheadStep);
}

/** One row by four panels: eight independent chains, where one panel's two would wait for each other. */
// @ts-ignore: decorator
@inline
function row(TYPE: i32, a: usize, b: usize, panelBytes: usize, depth: i32, c: usize): void {
  let c0 = v128.load(c), c1 = v128.load(c, 16), c2 = v128.load(c, 32), c3 = v128.load(c, 48);
  let c4 = v128.load(c, 64), c5 = v128.load(c, 80), c6 = v128.load(c, 96), c7 = v128.load(c, 112);
  let p1 = b + panelBytes, p2 = p1 + panelBytes, p3 = p2 + panelBytes;
  for (; depth > 0; depth--) {
    const x = v128.load32_splat(a);
    const w0 = v128.load(b), w1 = v128.load(p1), w2 = v128.load(p2), w3 = v128.load(p3);
    if (TYPE === F32) {
      c0 = madd(x, w0, c0); c1 = madd(x, v128.load(b, 16), c1);
      c2 = madd(x, w1, c2); c3 = madd(x, v128.load(p1, 16), c3);
      c4 = madd(x, w2, c4); c5 = madd(x, v128.load(p2, 16), c5);
      c6 = madd(x, w3, c6); c7 = madd(x, v128.load(p3, 16), c7);
    } else {
      c0 = madd(x, widenEven(TYPE, w0), c0); c1 = madd(x, widenOdd(TYPE, w0), c1);
      c2 = madd(x, widenEven(TYPE, w1), c2); c3 = madd(x, widenOdd(TYPE, w1), c3);
      c4 = madd(x, widenEven(TYPE, w2), c4); c5 = madd(x, widenOdd(TYPE, w2), c5);
      c6 = madd(x, widenEven(TYPE, w3), c6); c7 = madd(x, widenOdd(TYPE, w3), c7);
    }
    a += 4;
    b += stepBytes(TYPE); p1 += stepBytes(TYPE); p2 += stepBytes(TYPE); p3 += stepBytes(TYPE);
  }
  v128.store(c, c0); v128.store(c, c1, 16); v128.store(c, c2, 32); v128.store(c, c3, 48);
  v128.store(c, c4, 64); v128.store(c, c5, 80); v128.store(c, c6, 96); v128.store(c, c7, 112);
}

function rowF32(a: usize, b: usize, panelBytes: usize, depth: i32, c: usize): void { row(F32, a, b, panelBytes, depth, c); }
function rowBf16(a: usize, b: usize, panelBytes: usize, depth: i32, c: usize): void { row(BF16, a, b, panelBytes, depth, c); }
function rowF16(a: usize, b: usize, panelBytes: usize, depth: i32, c: usize): void { row(F16, a, b, panelBytes, depth, c); }

/** c[32] += a[depth] · four consecutive column panels, `panelBytes` apart. */
// @ts-ignore: decorator
@inline
export function multiplyRow(TYPE: i32, a: usize, b: usize, panelBytes: usize, depth: i32, c: usize): void {
  if (TYPE === F32) rowF32(a, b, panelBytes, depth, c);
  else if (TYPE === BF16) rowBf16(a, b, panelBytes, depth, c);
  else rowF16(a, b, panelBytes, depth, c);
}
