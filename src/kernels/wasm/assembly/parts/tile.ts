// The register tile: up to six rows by eight columns. Every element of the result is one chain of multiply-adds over
// the depth, in order, whatever the number of rows and wherever the depth is cut: a row's result depends neither on its
// neighbours nor on how the work was divided.

import { madd } from "./vector.ts";
import { BF16, F16, F32, widenEven, widenFirst, widenLast, widenOdd } from "./widen.ts";

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
  let c00 = first(TYPE, ROWS, r), c01 = last(TYPE, ROWS, r);
  let c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  if (ROWS > 1) { r += stride; c10 = first(TYPE, ROWS, r); c11 = last(TYPE, ROWS, r); }
  if (ROWS > 2) { r += stride; c20 = first(TYPE, ROWS, r); c21 = last(TYPE, ROWS, r); }
  if (ROWS > 3) { r += stride; c30 = first(TYPE, ROWS, r); c31 = last(TYPE, ROWS, r); }
  if (ROWS > 4) { r += stride; c40 = first(TYPE, ROWS, r); c41 = last(TYPE, ROWS, r); }
  if (ROWS > 5) { r += stride; c50 = first(TYPE, ROWS, r); c51 = last(TYPE, ROWS, r); }
  for (; depth > 0; depth--) {
    const w = v128.load(b);
    const b0 = TYPE === F32 ? w : isShuffled(TYPE, ROWS) ? widenFirst(TYPE, w) : widenEven(TYPE, w);
    const b1 = TYPE === F32 ? v128.load(b, 16) : isShuffled(TYPE, ROWS) ? widenLast(TYPE, w) : widenOdd(TYPE, w);
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
  put(TYPE, ROWS, r, c00, c01);
  if (ROWS > 1) put(TYPE, ROWS, (r += stride), c10, c11);
  if (ROWS > 2) put(TYPE, ROWS, (r += stride), c20, c21);
  if (ROWS > 3) put(TYPE, ROWS, (r += stride), c30, c31);
  if (ROWS > 4) put(TYPE, ROWS, (r += stride), c40, c41);
  if (ROWS > 5) put(TYPE, ROWS, (r += stride), c50, c51);
}

/** Whether weights are widened by shuffles, so that a row's sums are columns 0 4 1 5 and 2 6 3 7. */
// @ts-ignore: decorator
@inline
function isShuffled(TYPE: i32, ROWS: i32): bool {
  return TYPE !== F32 && ROWS < 6;
}

/** The sums so far of the eight columns at `c`: the first four in the tile's order. */
// @ts-ignore: decorator
@inline
function first(TYPE: i32, ROWS: i32, c: usize): v128 {
  return isShuffled(TYPE, ROWS) ? v128.shuffle<u32>(v128.load(c), v128.load(c, 16), 0, 4, 1, 5) : v128.load(c);
}

/** The last four. */
// @ts-ignore: decorator
@inline
function last(TYPE: i32, ROWS: i32, c: usize): v128 {
  return isShuffled(TYPE, ROWS) ? v128.shuffle<u32>(v128.load(c), v128.load(c, 16), 2, 6, 3, 7) : v128.load(c, 16);
}

// @ts-ignore: decorator
@inline
function put(TYPE: i32, ROWS: i32, c: usize, first: v128, last: v128): void {
  v128.store(c, isShuffled(TYPE, ROWS) ? v128.shuffle<u32>(first, last, 0, 2, 4, 6) : first);
  v128.store(c, isShuffled(TYPE, ROWS) ? v128.shuffle<u32>(first, last, 1, 3, 5, 7) : last, 16);
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
  let c0 = first(TYPE, 1, c), c1 = last(TYPE, 1, c), c2 = first(TYPE, 1, c + 32), c3 = last(TYPE, 1, c + 32);
  let c4 = first(TYPE, 1, c + 64), c5 = last(TYPE, 1, c + 64), c6 = first(TYPE, 1, c + 96), c7 = last(TYPE, 1, c + 96);
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
      c0 = madd(x, widenFirst(TYPE, w0), c0); c1 = madd(x, widenLast(TYPE, w0), c1);
      c2 = madd(x, widenFirst(TYPE, w1), c2); c3 = madd(x, widenLast(TYPE, w1), c3);
      c4 = madd(x, widenFirst(TYPE, w2), c4); c5 = madd(x, widenLast(TYPE, w2), c5);
      c6 = madd(x, widenFirst(TYPE, w3), c6); c7 = madd(x, widenLast(TYPE, w3), c7);
    }
    a += 4;
    b += stepBytes(TYPE); p1 += stepBytes(TYPE); p2 += stepBytes(TYPE); p3 += stepBytes(TYPE);
  }
  put(TYPE, 1, c, c0, c1);
  put(TYPE, 1, c + 32, c2, c3);
  put(TYPE, 1, c + 64, c4, c5);
  put(TYPE, 1, c + 96, c6, c7);
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
