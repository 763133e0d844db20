// Operations that only move or scale rows.

import { squareRoot, sumOfSquares } from "./parts/vector.ts";

@unmanaged
class GatherRows {
  /** [*, width] */
  x: usize;
  /** u32 [rows] */
  index: usize;
  /** [rows, width] */
  out: usize;
  width: i32;
}

export function gatherRows(args: GatherRows, row: i32, _scratch: usize): void {
  const bytes = <usize>args.width << 2;
  memory.copy(args.out + <usize>row * bytes, args.x + <usize>load<u32>(args.index + (<usize>row << 2)) * bytes, bytes);
}

@unmanaged
class ScatterRows {
  /** [rows, width] */
  x: usize;
  /** u32 [rows] */
  index: usize;
  /** [*, width] */
  out: usize;
  width: i32;
}

/** Row i of x goes to row index[i]: new keys and values to their cache slots. */
export function scatterRows(args: ScatterRows, row: i32, _scratch: usize): void {
  const bytes = <usize>args.width << 2;
  memory.copy(args.out + <usize>load<u32>(args.index + (<usize>row << 2)) * bytes, args.x + <usize>row * bytes, bytes);
}

@unmanaged
class Normalize {
  /** [*, width] */
  x: usize;
  /** [*, dimensions] */
  out: usize;
  width: i32;
  dimensions: i32;
}

/** As torch.nn.functional.normalize: a zero vector stays zero instead of becoming NaN. */
const SMALLEST_NORM: f32 = 1e-12;

/** The first `dimensions` columns of a row, divided by their L2 norm. */
export function normalize(args: Normalize, row: i32, _scratch: usize): void {
  let x = args.x + (<usize>(row * args.width) << 2);
  let out = args.out + (<usize>(row * args.dimensions) << 2);
  const norm = max(squareRoot(sumOfSquares(x, args.dimensions)), SMALLEST_NORM);
  for (const end = out + (<usize>args.dimensions << 2); out < end; out += 4, x += 4) store<f32>(out, load<f32>(x) / norm);
}
