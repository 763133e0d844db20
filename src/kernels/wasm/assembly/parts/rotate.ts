// What makes eight bits enough. Outliers, in activations and in weights, would take most of a scale's range for
// themselves. So before anything is rounded, x and W are turned by the same orthogonal matrix, which leaves x · Wᵀ as it
// was and spreads every outlier over a block of columns: Hadamard matrices, applied by butterflies.

/** Columns rotated together at most; 1024 float32 are 4 KiB. */
const LARGEST_BLOCK: i32 = 1024;

/** Columns rotated together: the largest power of two that divides the depth, up to 1024. */
export function rotationBlock(depth: i32): i32 {
  return min(depth & -depth, LARGEST_BLOCK);
}

/** What rotate multiplies the square of a row's length with: blocks below 4 stay as they are. */
export function rotationGain(block: i32): f32 {
  return block < 4 ? 1 : <f32>block;
}

/** into = (x · factors) · H for each block of `block` columns, H the Hadamard matrix of ±1. `into` may be `x`. */
export function scaleAndRotate(x: usize, factors: usize, into: usize, depth: i32, block: i32): void {
  if (block < 4) return scale(x, factors, into, depth);
  const bytes = <usize>block << 2;
  for (let start = 0; start < depth; start += block, x += bytes, factors += bytes, into += bytes) {
    if (bytes < 64) rotateSmall(x, factors, into, bytes);
    else rotateBlock(x, factors, into, bytes);
  }
}

/** into = x · factors */
function scale(x: usize, factors: usize, into: usize, depth: i32): void {
  for (const end = x + (<usize>depth << 2); x < end; x += 4, factors += 4, into += 4) {
    store<f32>(into, load<f32>(x) * load<f32>(factors));
  }
}

/** Four or eight columns. */
function rotateSmall(x: usize, factors: usize, into: usize, bytes: usize): void {
  const a = scaledFour(x, factors, 0);
  if (bytes === 16) return v128.store(into, a);
  const b = scaledFour(x, factors, 16);
  v128.store(into, f32x4.add(a, b));
  v128.store(into, f32x4.sub(a, b), 16);
}

/** Several steps at a time, all that registers hold: memory is then passed over three times for 1024 columns, not ten. */
function rotateBlock(x: usize, factors: usize, into: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 64) fourSteps(x + i, factors + i, into + i);
  let step: usize = 64;
  for (; step << 2 < bytes; step <<= 3) {
    for (let i: usize = 0; i < bytes; i += step << 3) threeSteps(into + i, step);
  }
  if (step << 1 < bytes) twoSteps(into, step);
  else if (step < bytes) oneStep(into, step);
}

/** The four smallest steps, over sixteen columns. */
// @ts-ignore: decorator
@inline
function fourSteps(x: usize, factors: usize, into: usize): void {
  const a = scaledFour(x, factors, 0), b = scaledFour(x, factors, 16);
  const c = scaledFour(x, factors, 32), d = scaledFour(x, factors, 48);
  const ab = f32x4.add(a, b), a_b = f32x4.sub(a, b), cd = f32x4.add(c, d), c_d = f32x4.sub(c, d);
  v128.store(into, f32x4.add(ab, cd));
  v128.store(into, f32x4.add(a_b, c_d), 16);
  v128.store(into, f32x4.sub(ab, cd), 32);
  v128.store(into, f32x4.sub(a_b, c_d), 48);
}

/** The two smallest steps, within one vector. */
// @ts-ignore: decorator
@inline
function scaledFour(x: usize, factors: usize, at: usize): v128 {
  const odd = i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE), upper = i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE);
  let v = f32x4.mul(v128.load(x + at), v128.load(factors + at));
  v = f32x4.add(v128.shuffle<u32>(v, v, 1, 0, 3, 2), v128.xor(v, odd));
  return f32x4.add(v128.shuffle<u32>(v, v, 2, 3, 0, 1), v128.xor(v, upper));
}

/** Butterflies of `step`, 2 · `step` and 4 · `step` bytes over 8 · `step` bytes, in place. */
function threeSteps(x: usize, step: usize): void {
  const y = x + (step << 2);
  for (let i: usize = 0; i < step; i += 16) {
    let at = x + i;
    let a = v128.load(at), b = v128.load((at += step)), c = v128.load((at += step)), d = v128.load((at += step));
    let e = v128.load((at += step)), f = v128.load((at += step)), g = v128.load((at += step)), h = v128.load((at += step));
    let t = a; a = f32x4.add(a, b); b = f32x4.sub(t, b);
    t = c; c = f32x4.add(c, d); d = f32x4.sub(t, d);
    t = e; e = f32x4.add(e, f); f = f32x4.sub(t, f);
    t = g; g = f32x4.add(g, h); h = f32x4.sub(t, h);
    t = a; a = f32x4.add(a, c); c = f32x4.sub(t, c);
    t = b; b = f32x4.add(b, d); d = f32x4.sub(t, d);
    t = e; e = f32x4.add(e, g); g = f32x4.sub(t, g);
    t = f; f = f32x4.add(f, h); h = f32x4.sub(t, h);
    at = x + i;
    v128.store(at, f32x4.add(a, e));
    v128.store((at += step), f32x4.add(b, f));
    v128.store((at += step), f32x4.add(c, g));
    v128.store((at += step), f32x4.add(d, h));
    at = y + i;
    v128.store(at, f32x4.sub(a, e));
    v128.store((at += step), f32x4.sub(b, f));
    v128.store((at += step), f32x4.sub(c, g));
    v128.store((at += step), f32x4.sub(d, h));
  }
}

function twoSteps(x: usize, step: usize): void {
  const y = x + step, z = y + step, w = z + step;
  for (let i: usize = 0; i < step; i += 16) {
    const a = v128.load(x + i), b = v128.load(y + i), c = v128.load(z + i), d = v128.load(w + i);
    const ab = f32x4.add(a, b), a_b = f32x4.sub(a, b), cd = f32x4.add(c, d), c_d = f32x4.sub(c, d);
    v128.store(x + i, f32x4.add(ab, cd));
    v128.store(y + i, f32x4.add(a_b, c_d));
    v128.store(z + i, f32x4.sub(ab, cd));
    v128.store(w + i, f32x4.sub(a_b, c_d));
  }
}

function oneStep(x: usize, step: usize): void {
  const y = x + step;
  for (let i: usize = 0; i < step; i += 16) {
    const a = v128.load(x + i), b = v128.load(y + i);
    v128.store(x + i, f32x4.add(a, b));
    v128.store(y + i, f32x4.sub(a, b));
  }
}
