// x · Wᵀ (+ residual). Row panels of x [rows, depth], W [columns, depth] → [rows, columns]

import { Part, Product, multiply } from "./parts/product.ts";
import { I16, I8 } from "./parts/tile-int.ts";
import { BF16, F16, F32 } from "./parts/widen.ts";

@unmanaged
class Linear extends Product {
  /** [rows, width] */
  out: usize;
  /** [rows, width], or 0 for none. */
  residual: usize;
  width: i32;
}

export function linearF32(args: Linear, tile: i32, scratch: usize): void {
  finish(args, multiply(F32, args, tile, scratch));
}

export function linearBf16(args: Linear, tile: i32, scratch: usize): void {
  finish(args, multiply(BF16, args, tile, scratch));
}

export function linearF16(args: Linear, tile: i32, scratch: usize): void {
  finish(args, multiply(F16, args, tile, scratch));
}

export function linearI8(args: Linear, tile: i32, scratch: usize): void {
  finish(args, multiply(I8, args, tile, scratch));
}

export function linearI16(args: Linear, tile: i32, scratch: usize): void {
  finish(args, multiply(I16, args, tile, scratch));
}

function finish(args: Linear, part: Part): void {
  for (let row = 0; row < part.rows; row++) {
    const at = (<usize>(part.firstRow + row) * args.width + part.firstColumn) << 2;
    const sums = part.sums + <usize>row * part.stride;
    if (args.residual) add(args.residual + at, sums, args.out + at, part.columns);
    else memory.copy(args.out + at, sums, <usize>part.columns << 2);
  }
}

/** into = a + b, elementwise */
function add(a: usize, b: usize, into: usize, width: i32): void {
  let i: usize = 0;
  const bytes = <usize>width << 2;
  for (; i + 16 <= bytes; i += 16) v128.store(into + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
  for (; i < bytes; i += 4) store<f32>(into + i, load<f32>(a + i) + load<f32>(b + i));
}
