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

/** x ← (x · factors) · H for each block of `block` columns, H the Hadamard matrix of ±1. In place. */
export function scaleAndRotate(x: usize, factors: usize, depth: i32, block: i32): void {
  if (block < 4) return scale(x, factors, depth);
  const bytes = <usize>block << 2;
  for (let start = 0; start < depth; start += block, x += bytes, factors += bytes) rotateBlock(x, factors, bytes);
}

/** x ← x · factors */
function scale(x: usize, factors: usize, depth: i32): void {
  for (const end = x + (<usize>depth << 2); x < end; x += 4, factors += 4) store<f32>(x, load<f32>(x) * load<f32>(factors));
}

function rotateBlock(x: usize, factors: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(x + i, rotateFour(f32x4.mul(v128.load(x + i), v128.load(factors + i))));
  }
  let step: usize = 16;
  for (; step << 1 < bytes; step <<= 2) {
    for (let i: usize = 0; i < bytes; i += step << 2) twoSteps(x + i, step);
  }
  if (step < bytes) oneStep(x, step);
}

/** The two smallest steps, within one vector. */
// @ts-ignore: decorator
@inline
function rotateFour(v: v128): v128 {
  const odd = i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE), upper = i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE);
  v = f32x4.add(v128.shuffle<u32>(v, v, 1, 0, 3, 2), v128.xor(v, odd));
  return f32x4.add(v128.shuffle<u32>(v, v, 2, 3, 0, 1), v128.xor(v, upper));
}

/** Butterflies of `step` and 2 · `step` bytes over 4 · `step` bytes: two at once touch memory half as often. */
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
