// What makes eight bits enough. Outliers, in activations and in weights, would take most of a scale's range for
// themselves. So before anything is rounded, x and W are turned by the same orthogonal matrix, which leaves x · Wᵀ as it
// was and spreads every outlier over a block of columns: Hadamard matrices, applied by butterflies.

/** Columns rotated together at most; 1024 float32 are 4 KiB. */
const LARGEST_BLOCK: i32 = 1024;

/** Columns rotated together: the largest power of two that divides the depth, up to 1024. */
export function rotationBlock(depth: i32): i32 {
  return min(depth & -depth, LARGEST_BLOCK);
}

/** x ← x · H for each block of `block` columns, H the Hadamard matrix of ±1: √block too long. In place. */
export function rotate(x: usize, depth: i32, block: i32): void {
  if (block < 4) return;
  for (let start = 0; start < depth; start += block, x += <usize>block << 2) rotateBlock(x, block);
}

function rotateBlock(x: usize, block: i32): void {
  const end = x + (<usize>block << 2);
  for (let at = x; at < end; at += 16) v128.store(at, rotateFour(v128.load(at)));
  for (let half: usize = 16; half < <usize>block << 2; half <<= 1) {
    for (let low = x; low < end; low += half << 1) butterflies(low, low + half, half);
  }
}

/** The two smallest steps, within one vector. */
// @ts-ignore: decorator
@inline
function rotateFour(v: v128): v128 {
  const signs1 = i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE);
  const signs2 = i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE);
  v = f32x4.add(v128.shuffle<u32>(v, v, 1, 0, 3, 2), v128.xor(v, signs1));
  return f32x4.add(v128.shuffle<u32>(v, v, 2, 3, 0, 1), v128.xor(v, signs2));
}

// @ts-ignore: decorator
@inline
function butterflies(low: usize, high: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const a = v128.load(low + i), b = v128.load(high + i);
    v128.store(low + i, f32x4.add(a, b));
    v128.store(high + i, f32x4.sub(a, b));
  }
}

/** Blocks of 1 and 2 columns stay as they are: their length does not change. */
export function rotationLength(block: i32): f32 {
  return block < 4 ? 1 : <f32>block;
}
