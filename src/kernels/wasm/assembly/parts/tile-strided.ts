// The register tile of attention: up to six rows whose values lie anywhere, such as keys as they were stored, by eight or
// sixteen columns side by side. As in tile.ts, every element is one chain of multiply-adds over the depth, in order.

import { madd } from "./vector.ts";

/** c[ROWS, COLUMNS] += a · b[depth, COLUMNS]; value d of row i of a is at a + i · aRow + d · aStep. */
// @ts-ignore: decorator
@inline
function tile(ROWS: i32, COLUMNS: i32, a: usize, aRow: usize, aStep: usize, b: usize, depth: i32, c: usize): void {
  const wide = COLUMNS === 16, stride: usize = COLUMNS << 2;
  const zero = f32x4.splat(0);
  let a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
  let c02 = zero, c03 = zero, c10 = zero, c11 = zero, c12 = zero, c13 = zero, c20 = zero, c21 = zero, c22 = zero, c23 = zero;
  let c30 = zero, c31 = zero, c32 = zero, c33 = zero, c40 = zero, c41 = zero, c42 = zero, c43 = zero;
  let c50 = zero, c51 = zero, c52 = zero, c53 = zero;
  let r = c;
  let c00 = v128.load(r), c01 = v128.load(r, 16); if (wide) { c02 = v128.load(r, 32); c03 = v128.load(r, 48); }
  if (ROWS > 1) { r += stride; c10 = v128.load(r); c11 = v128.load(r, 16); if (wide) { c12 = v128.load(r, 32); c13 = v128.load(r, 48); } }
  if (ROWS > 2) { r += stride; c20 = v128.load(r); c21 = v128.load(r, 16); if (wide) { c22 = v128.load(r, 32); c23 = v128.load(r, 48); } }
  if (ROWS > 3) { r += stride; c30 = v128.load(r); c31 = v128.load(r, 16); if (wide) { c32 = v128.load(r, 32); c33 = v128.load(r, 48); } }
  if (ROWS > 4) { r += stride; c40 = v128.load(r); c41 = v128.load(r, 16); if (wide) { c42 = v128.load(r, 32); c43 = v128.load(r, 48); } }
  if (ROWS > 5) { r += stride; c50 = v128.load(r); c51 = v128.load(r, 16); if (wide) { c52 = v128.load(r, 32); c53 = v128.load(r, 48); } }
  for (; depth > 0; depth--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = wide ? v128.load(b, 32) : zero, b3 = wide ? v128.load(b, 48) : zero;
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); if (wide) { c02 = madd(x, b2, c02); c03 = madd(x, b3, c03); }
    if (ROWS > 1) { x = v128.load32_splat(a1); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); if (wide) { c12 = madd(x, b2, c12); c13 = madd(x, b3, c13); } a1 += aStep; }
    if (ROWS > 2) { x = v128.load32_splat(a2); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); if (wide) { c22 = madd(x, b2, c22); c23 = madd(x, b3, c23); } a2 += aStep; }
    if (ROWS > 3) { x = v128.load32_splat(a3); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); if (wide) { c32 = madd(x, b2, c32); c33 = madd(x, b3, c33); } a3 += aStep; }
    if (ROWS > 4) { x = v128.load32_splat(a4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); if (wide) { c42 = madd(x, b2, c42); c43 = madd(x, b3, c43); } a4 += aStep; }
    if (ROWS > 5) { x = v128.load32_splat(a5); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); if (wide) { c52 = madd(x, b2, c52); c53 = madd(x, b3, c53); } a5 += aStep; }
    a += aStep;
    b += stride;
  }
  r = c;
  v128.store(r, c00); v128.store(r, c01, 16); if (wide) { v128.store(r, c02, 32); v128.store(r, c03, 48); }
  if (ROWS > 1) { r += stride; v128.store(r, c10); v128.store(r, c11, 16); if (wide) { v128.store(r, c12, 32); v128.store(r, c13, 48); } }
  if (ROWS > 2) { r += stride; v128.store(r, c20); v128.store(r, c21, 16); if (wide) { v128.store(r, c22, 32); v128.store(r, c23, 48); } }
  if (ROWS > 3) { r += stride; v128.store(r, c30); v128.store(r, c31, 16); if (wide) { v128.store(r, c32, 32); v128.store(r, c33, 48); } }
  if (ROWS > 4) { r += stride; v128.store(r, c40); v128.store(r, c41, 16); if (wide) { v128.store(r, c42, 32); v128.store(r, c43, 48); } }
  if (ROWS > 5) { r += stride; v128.store(r, c50); v128.store(r, c51, 16); if (wide) { v128.store(r, c52, 32); v128.store(r, c53, 48); } }
}

// @ts-ignore: decorator
@inline
function anyTile(COLUMNS: i32, rows: i32, a: usize, aRow: usize, aStep: usize, b: usize, depth: i32, c: usize): void {
  switch (rows) {
    case 1: return tile(1, COLUMNS, a, aRow, aStep, b, depth, c);
    case 2: return tile(2, COLUMNS, a, aRow, aStep, b, depth, c);
    case 3: return tile(3, COLUMNS, a, aRow, aStep, b, depth, c);
    case 4: return tile(4, COLUMNS, a, aRow, aStep, b, depth, c);
    case 5: return tile(5, COLUMNS, a, aRow, aStep, b, depth, c);
    default: return tile(6, COLUMNS, a, aRow, aStep, b, depth, c);
  }
}

function tile8(rows: i32, a: usize, aRow: usize, aStep: usize, b: usize, depth: i32, c: usize): void {
  anyTile(8, rows, a, aRow, aStep, b, depth, c);
}

function tile16(rows: i32, a: usize, aRow: usize, aStep: usize, b: usize, depth: i32, c: usize): void {
  anyTile(16, rows, a, aRow, aStep, b, depth, c);
}

/** c[rows, columns] += a · b[depth, columns], with `columns` 8 or 16 and register tiles of at most `tileRows` rows. */
export function multiplyStrided(
  columns: i32, tileRows: i32, rows: i32, a: usize, aRow: usize, aStep: usize, b: usize, depth: i32, c: usize,
): void {
  const tiles = (rows + tileRows - 1) / tileRows, small = rows / tiles, large = rows % tiles;
  for (let i = 0; i < tiles; i++) {
    const count = small + i32(i < large);
    if (columns === 8) tile8(count, a, aRow, aStep, b, depth, c);
    else tile16(count, a, aRow, aStep, b, depth, c);
    a += <usize>count * aRow;
    c += <usize>(count * columns) << 2;
  }
}
