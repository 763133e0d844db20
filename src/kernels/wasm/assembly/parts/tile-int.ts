// Register tiles of eight-bit weights, exact in 32-bit integers; only the last step, times both steps, is float32.
// A panel of weights is float32 steps [8], i32 offsets [8], i8 [depth / 4, 8, 4].

/** Eight-bit activations, by relaxed SIMD's dot product where the engine was found exact for them. */
export const I8: i32 = 3;
/** The same values in 16 bits, exact everywhere, at half the speed. */
export const I16: i32 = 4;

/** Bytes of a panel before its values. */
export const PANEL_HEAD: usize = 64;

/** Bytes of one activation. */
// @ts-ignore: decorator
@inline
export function activationBytes(TYPE: i32): usize {
  return TYPE === I16 ? 2 : 1;
}

/**
 * c[rows, 8] = a · b · steps. a: row panel, `aSteps` float32 [rows]; b: a weight panel; depth in words of four; `ahead` as in
 * tile.ts.
 */
// @ts-ignore: decorator
@inline
function tileI8(
  ROWS: i32, a: usize, aSteps: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize,
): void {
  const steps = b, o0 = v128.load(b, 32), o1 = v128.load(b, 48);
  let c00 = o0, c01 = o1, c10 = o0, c11 = o1, c20 = o0, c21 = o1, c30 = o0, c31 = o1, c40 = o0, c41 = o1, c50 = o0, c51 = o1;
  b += PANEL_HEAD;
  for (; depth > 0; depth--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = dot(b0, x, c00); c01 = dot(b1, x, c01);
    if (ROWS > 1) { x = v128.load32_splat(a, 4); c10 = dot(b0, x, c10); c11 = dot(b1, x, c11); }
    if (ROWS > 2) { x = v128.load32_splat(a, 8); c20 = dot(b0, x, c20); c21 = dot(b1, x, c21); }
    if (ROWS > 3) { x = v128.load32_splat(a, 12); c30 = dot(b0, x, c30); c31 = dot(b1, x, c31); }
    if (ROWS > 4) { x = v128.load32_splat(a, 16); c40 = dot(b0, x, c40); c41 = dot(b1, x, c41); }
    if (ROWS > 5) { x = v128.load32_splat(a, 20); c50 = dot(b0, x, c50); c51 = dot(b1, x, c51); }
    load<u8>(ahead);
    ahead += aheadStep;
    a += ROWS << 2;
    b += 32;
  }
  const s0 = v128.load(steps), s1 = v128.load(steps, 16); // not before the loop, which has no register to spare
  storeRow(c, c00, c01, s0, s1, aSteps, 0);
  if (ROWS > 1) storeRow(c += stride, c10, c11, s0, s1, aSteps, 4);
  if (ROWS > 2) storeRow(c += stride, c20, c21, s0, s1, aSteps, 8);
  if (ROWS > 3) storeRow(c += stride, c30, c31, s0, s1, aSteps, 12);
  if (ROWS > 4) storeRow(c += stride, c40, c41, s0, s1, aSteps, 16);
  if (ROWS > 5) storeRow(c += stride, c50, c51, s0, s1, aSteps, 20);
}

/**
 * One row by four panels, `panelBytes` apart: eight independent chains, where one panel's two would wait for each other, and
 * four runs of memory, which processors fetch ahead of each.
 */
export function multiplyRowI8(a: usize, aStep: usize, b: usize, panelBytes: usize, depth: i32, c: usize): void {
  const p1 = b + panelBytes, p2 = p1 + panelBytes, p3 = p2 + panelBytes;
  let c0 = v128.load(b, 32), c1 = v128.load(b, 48), c2 = v128.load(p1, 32), c3 = v128.load(p1, 48);
  let c4 = v128.load(p2, 32), c5 = v128.load(p2, 48), c6 = v128.load(p3, 32), c7 = v128.load(p3, 48);
  let w = b + PANEL_HEAD, w1 = p1 + PANEL_HEAD, w2 = p2 + PANEL_HEAD, w3 = p3 + PANEL_HEAD;
  for (; depth > 0; depth--) {
    const x = v128.load32_splat(a);
    c0 = dot(v128.load(w), x, c0); c1 = dot(v128.load(w, 16), x, c1);
    c2 = dot(v128.load(w1), x, c2); c3 = dot(v128.load(w1, 16), x, c3);
    c4 = dot(v128.load(w2), x, c4); c5 = dot(v128.load(w2, 16), x, c5);
    c6 = dot(v128.load(w3), x, c6); c7 = dot(v128.load(w3, 16), x, c7);
    a += 4;
    w += 32; w1 += 32; w2 += 32; w3 += 32;
  }
  storeRow(c, c0, c1, v128.load(b), v128.load(b, 16), aStep, 0);
  storeRow(c + 32, c2, c3, v128.load(p1), v128.load(p1, 16), aStep, 0);
  storeRow(c + 64, c4, c5, v128.load(p2), v128.load(p2, 16), aStep, 0);
  storeRow(c + 96, c6, c7, v128.load(p3), v128.load(p3, 16), aStep, 0);
}

/** c + four products of eight-bit pairs per lane. The weights come first: the second operand may be taken as unsigned. */
// @ts-ignore: decorator
@inline
export function dot(weights: v128, x: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, c);
  return unreachable();
}

/** As tileI8 with 16-bit activations, pairs (0 2) (1 3) of each four depths. */
// @ts-ignore: decorator
@inline
function tileI16(ROWS: i32, a: usize, aSteps: usize, b: usize, depth: i32, c: usize, stride: usize): void {
  const zero = i32x4.splat(0);
  const steps = b;
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  b += PANEL_HEAD;
  for (; depth > 0; depth--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    const e0 = i16x8.shr_s(i16x8.shl(b0, 8), 8), d0 = i16x8.shr_s(b0, 8);
    const e1 = i16x8.shr_s(i16x8.shl(b1, 8), 8), d1 = i16x8.shr_s(b1, 8);
    let x = v128.load32_splat(a), y = v128.load32_splat(a, 4);
    c00 = dot16(e0, x, dot16(d0, y, c00)); c01 = dot16(e1, x, dot16(d1, y, c01));
    if (ROWS > 1) { x = v128.load32_splat(a, 8); y = v128.load32_splat(a, 12); c10 = dot16(e0, x, dot16(d0, y, c10)); c11 = dot16(e1, x, dot16(d1, y, c11)); }
    if (ROWS > 2) { x = v128.load32_splat(a, 16); y = v128.load32_splat(a, 20); c20 = dot16(e0, x, dot16(d0, y, c20)); c21 = dot16(e1, x, dot16(d1, y, c21)); }
    if (ROWS > 3) { x = v128.load32_splat(a, 24); y = v128.load32_splat(a, 28); c30 = dot16(e0, x, dot16(d0, y, c30)); c31 = dot16(e1, x, dot16(d1, y, c31)); }
    a += ROWS << 3;
    b += 32;
  }
  const s0 = v128.load(steps), s1 = v128.load(steps, 16); // not before the loop, which has no register to spare
  storeRow(c, c00, c01, s0, s1, aSteps, 0);
  if (ROWS > 1) storeRow(c += stride, c10, c11, s0, s1, aSteps, 4);
  if (ROWS > 2) storeRow(c += stride, c20, c21, s0, s1, aSteps, 8);
  if (ROWS > 3) storeRow(c += stride, c30, c31, s0, s1, aSteps, 12);
}

// @ts-ignore: decorator
@inline
function dot16(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

// @ts-ignore: decorator
@inline
export function storeRow(c: usize, sum0: v128, sum1: v128, s0: v128, s1: v128, aSteps: usize, at: usize): void {
  const step = v128.load32_splat(aSteps + at);
  v128.store(c, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum0), s0), step));
  v128.store(c, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum1), s1), step), 16);
}

function anyI8(rows: i32, a: usize, aSteps: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize): void {
  switch (rows) {
    case 1: return tileI8(1, a, aSteps, b, depth, c, stride, ahead, aheadStep);
    case 2: return tileI8(2, a, aSteps, b, depth, c, stride, ahead, aheadStep);
    case 3: return tileI8(3, a, aSteps, b, depth, c, stride, ahead, aheadStep);
    case 4: return tileI8(4, a, aSteps, b, depth, c, stride, ahead, aheadStep);
    case 5: return tileI8(5, a, aSteps, b, depth, c, stride, ahead, aheadStep);
    default: return tileI8(6, a, aSteps, b, depth, c, stride, ahead, aheadStep);
  }
}

function anyI16(rows: i32, a: usize, aSteps: usize, b: usize, depth: i32, c: usize, stride: usize): void {
  switch (rows) {
    case 1: return tileI16(1, a, aSteps, b, depth, c, stride);
    case 2: return tileI16(2, a, aSteps, b, depth, c, stride);
    case 3: return tileI16(3, a, aSteps, b, depth, c, stride);
    default: return tileI16(4, a, aSteps, b, depth, c, stride);
  }
}

// @ts-ignore: decorator
@inline
export function multiplyTileInt(
  TYPE: i32, rows: i32, a: usize, aSteps: usize, b: usize, depth: i32, c: usize, stride: usize, ahead: usize, aheadStep: usize,
): void {
  if (TYPE === I8) anyI8(rows, a, aSteps, b, depth, c, stride, ahead, aheadStep);
  else anyI16(rows, a, aSteps, b, depth, c, stride);
}
