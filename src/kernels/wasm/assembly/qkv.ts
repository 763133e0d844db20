// The projection of q, k and v in one product, Qwen3's per-head RMSNorm of q and k, then RoPE (rotate-half).
// Row panels of x [rows, depth], W [(H + 2·KV)·D, depth] → q [rows, H·D], k, v [rows, KV·D]

import { Part, Product, multiply } from "./parts/product.ts";
import { scaleByWeight, sumOfSquares } from "./parts/vector.ts";
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
  const headBytes = <usize>args.headDim << 2;
  if (head < args.heads) {
    normAndRotate(args, row, x, args.qNorm, args.qEps);
    memory.copy(args.q + <usize>(row * args.heads + head) * headBytes, x, headBytes);
  } else if (head < args.heads + args.kvHeads) {
    normAndRotate(args, row, x, args.kNorm, args.kEps);
    memory.copy(args.k + <usize>(row * args.kvHeads + head - args.heads) * headBytes, x, headBytes);
  } else {
    const valueHead = head - args.heads - args.kvHeads;
    memory.copy(args.v + <usize>(row * args.kvHeads + valueHead) * headBytes, x, headBytes);
  }
}

/** In place. */
function normAndRotate(args: Qkv, row: i32, x: usize, weight: usize, eps: f32): void {
  const scale: f32 = 1 / sqrt<f32>(sumOfSquares(x, args.headDim) / <f32>args.headDim + eps);
  scaleByWeight(x, scale, weight, x, args.headDim);
  if (!args.cos) return;
  const half = args.headDim >> 1;
  const at = <usize>(load<u32>(args.positions + (<usize>row << 2)) * half) << 2;
  rotate(x, args.cos + at, args.sin + at, half);
}

/** x[i], x[i + half] ← x[i]·cos[i] − x[i + half]·sin[i], x[i + half]·cos[i] + x[i]·sin[i] */
function rotate(x: usize, cos: usize, sin: usize, half: i32): void {
  const bytes = <usize>half << 2;
  let y = x + bytes;
  const end = x + bytes;
  for (; x + 16 <= end; x += 16, y += 16, cos += 16, sin += 16) {
    const low = v128.load(x), high = v128.load(y), c = v128.load(cos), s = v128.load(sin);
    v128.store(x, f32x4.sub(f32x4.mul(low, c), f32x4.mul(high, s)));
    v128.store(y, f32x4.add(f32x4.mul(high, c), f32x4.mul(low, s)));
  }
  for (; x < end; x += 4, y += 4, cos += 4, sin += 4) {
    const low = load<f32>(x), high = load<f32>(y), c = load<f32>(cos), s = load<f32>(sin);
    store<f32>(x, low * c - high * s);
    store<f32>(y, high * c + low * s);
  }
}
