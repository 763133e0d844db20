// x · rsqrt(mean(x²) + eps) · weight, per row. [rows, width] → [rows, width]

import { scaleByWeight, squareRoot, sumOfSquares } from "./parts/vector.ts";

@unmanaged
class RmsNorm {
  x: usize;
  weight: usize;
  out: usize;
  rows: i32;
  width: i32;
  eps: f32;
  rowsPerTile: i32;
}

export function rmsNorm(args: RmsNorm, tile: i32, _scratch: usize): void {
  const first = tile * args.rowsPerTile;
  const end = min(first + args.rowsPerTile, args.rows);
  for (let row = first; row < end; row++) {
    const at = <usize>(row * args.width) << 2;
    const scale: f32 = 1 / squareRoot(sumOfSquares(args.x + at, args.width) / <f32>args.width + args.eps);
    scaleByWeight(args.x + at, scale, args.weight, args.out + at, args.width);
  }
}
