// The projection of q, k and v in one product, Qwen3's per-head RMSNorm of q and k, then RoPE (rotate-half).
// Row panels of x [rows, depth], W [(H + 2·KV)·D, depth] → q [rows, H·D], k, v [rows, KV·D]

import { Part, Product, multiply } from "./parts/product.ts";
import { scaleByWeight, squareRoot, sumOfSquares } from "./parts/vector.ts";
import { I16, I8 } from "./parts/tile-int.ts";
import { BF16, F16, F32 } from "./parts/widen.ts";

@unmanaged
class Qkv extends Product {
  q: usize;
  k: usize;
  v: usize;
  /** Weights [D] and epsilons of the head norms. */
  qNorm: usize;
  kNorm: usize;
  qEps: f32;
  kEps: f32;
  heads: i32;
  kvHeads: i32;
  headDim: i32;
  /** u32 [rows] */
  positions: usize;
  /** float32 [positions, D/2]; 0 leaves q and k unrotated. */
  cos: usize;
  sin: usize;
}

export function qkvF32(args: Qkv, tile: i32, scratch: usize): void {
  finish(args, multiply(F32, args, tile, scratch));
}

export function qkvBf16(args: Qkv, tile: i32, scratch: usize): void {
  finish(args, multiply(BF16, args, tile, scratch));
}

export function qkvF16(args: Qkv, tile: i32, scratch: usize): void {
  finish(args, multiply(F16, args, tile, scratch));
}

export function qkvI8(args: Qkv, tile: i32, scratch: usize): void {
  finish(args, multiply(I8, args, tile, scratch));
}

export function qkvI16(args: Qkv, tile: i32, scratch: usize): void {
  finish(args, multiply(I16, args, tile, scratch));
}

/** A tile's columns are whole heads. */
function finish(args: Qkv, part: Part): void {
  const firstHead = part.firstColumn / args.headDim;
  const heads = part.columns / args.headDim;
  const headBytes = <usize>args.headDim << 2;
  for (let i = 0; i < part.rows; i++) {
    let sums = part.sums + <usize>i * part.stride;
    for (let head = firstHead; head < firstHead + heads; head++, sums += headBytes) {
      finishHead(args, head, part.firstRow + i, sums);
    }
  }
}

function finishHead(args: Qkv, head: i32, row: i32, x: usize): void {
  if (head < args.heads) {
    normAndRotate(args, row, x, args.qNorm, args.qEps, headOf(args, args.q, row, head, args.heads));
  } else if ((head -= args.heads) < args.kvHeads) {
    normAndRotate(args, row, x, args.kNorm, args.kEps, headOf(args, args.k, row, head, args.kvHeads));
  } else {
    memory.copy(headOf(args, args.v, row, head - args.kvHeads, args.kvHeads), x, <usize>args.headDim << 2);
  }
}

/** Address of head `head` in row `row` of [rows, heads · D]. */
// @ts-ignore: decorator
@inline
function headOf(args: Qkv, at: usize, row: i32, head: i32, heads: i32): usize {
  return at + (<usize>(row * heads + head) * <usize>args.headDim << 2);
}

function normAndRotate(args: Qkv, row: i32, x: usize, weight: usize, eps: f32, into: usize): void {
  const scale: f32 = 1 / squareRoot(sumOfSquares(x, args.headDim) / <f32>args.headDim + eps);
  if (!args.cos) return scaleByWeight(x, scale, weight, into, args.headDim);
  const half = args.headDim >> 1;
  const at = <usize>(load<u32>(args.positions + (<usize>row << 2)) * half) << 2;
  scaleAndRotate(x, scale, weight, args.cos + at, args.sin + at, into, <usize>half << 2);
}

/** With n = x · scale · weight: into[i], into[i + half] = n[i]·cos[i] − n[i + half]·sin[i], n[i + half]·cos[i] + n[i]·sin[i] */
function scaleAndRotate(x: usize, scale: f32, weight: usize, cos: usize, sin: usize, into: usize, half: usize): void {
  const factor = f32x4.splat(scale);
  let y = x + half, other = weight + half, second = into + half;
  const end = y;
  for (; x + 16 <= end; x += 16, y += 16, weight += 16, other += 16, cos += 16, sin += 16, into += 16, second += 16) {
    const low = f32x4.mul(f32x4.mul(v128.load(x), factor), v128.load(weight));
    const high = f32x4.mul(f32x4.mul(v128.load(y), factor), v128.load(other));
    const c = v128.load(cos), s = v128.load(sin);
    v128.store(into, f32x4.sub(f32x4.mul(low, c), f32x4.mul(high, s)));
    v128.store(second, f32x4.add(f32x4.mul(high, c), f32x4.mul(low, s)));
  }
  for (; x < end; x += 4, y += 4, weight += 4, other += 4, cos += 4, sin += 4, into += 4, second += 4) {
    const low = load<f32>(x) * scale * load<f32>(weight), high = load<f32>(y) * scale * load<f32>(other);
    const c = load<f32>(cos), s = load<f32>(sin);
    store<f32>(into, low * c - high * s);
    store<f32>(second, high * c + low * s);
  }
}
