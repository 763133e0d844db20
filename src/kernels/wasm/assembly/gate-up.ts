// silu(gate) · up, where row 2i of W is gate i and row 2i + 1 is up i.
// Row panels of x [rows, depth], W [columns, depth] → [rows, columns / 2]

import { silu } from "./parts/exp.ts";
import { Part, Product, multiply } from "./parts/product.ts";
import { I16, I8 } from "./parts/tile-int.ts";
import { BF16, F16, F32 } from "./parts/widen.ts";

@unmanaged
class GateUp extends Product {
  /** [rows, width] */
  out: usize;
  width: i32;
}

export function gateUpF32(args: GateUp, tile: i32, scratch: usize): void {
  finish(args, multiply(F32, args, tile, scratch));
}

export function gateUpBf16(args: GateUp, tile: i32, scratch: usize): void {
  finish(args, multiply(BF16, args, tile, scratch));
}

export function gateUpF16(args: GateUp, tile: i32, scratch: usize): void {
  finish(args, multiply(F16, args, tile, scratch));
}

export function gateUpI8(args: GateUp, tile: i32, scratch: usize): void {
  finish(args, multiply(I8, args, tile, scratch));
}

export function gateUpI16(args: GateUp, tile: i32, scratch: usize): void {
  finish(args, multiply(I16, args, tile, scratch));
}

function finish(args: GateUp, part: Part): void {
  const pairs = part.columns >> 1;
  for (let row = 0; row < part.rows; row++) {
    const out = args.out + ((<usize>(part.firstRow + row) * args.width + (part.firstColumn >> 1)) << 2);
    gate(part.sums + <usize>row * part.stride, out, pairs);
  }
}

/** into[i] = silu(pairs[2i]) · pairs[2i + 1]. Reads up to four whole vectors: `pairs` is padded to eight columns. */
function gate(pairs: usize, into: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, pairs += 32, into += 16) v128.store(into, gateFour(pairs));
  if (i === count) return;
  let rest = gateFour(pairs);
  for (; i < count; i++, into += 4) {
    store<f32>(into, f32x4.extract_lane(rest, 0));
    rest = v128.shuffle<u32>(rest, rest, 1, 2, 3, 0);
  }
}

// @ts-ignore: decorator
@inline
function gateFour(pairs: usize): v128 {
  const low = v128.load(pairs), high = v128.load(pairs, 16);
  return f32x4.mul(silu(v128.shuffle<u32>(low, high, 0, 2, 4, 6)), v128.shuffle<u32>(low, high, 1, 3, 5, 7));
}
