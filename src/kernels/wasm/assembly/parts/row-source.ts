// The rows that are laid out in row panels: of an activation as it is, or of its RMSNorm, computed on the way.

import { panelOf, panelRows, panelStart } from "./panels.ts";
import { scaleByWeight, squareRoot, sumOfSquares } from "./vector.ts";

@unmanaged
export class RowSource {
  /** float32 [*, depth] */
  x: usize;
  into: usize;
  rows: i32;
  depth: i32;
  panels: i32;
  rowsPerTile: i32;
  /** u32 [rows], which rows of x; 0 for all of them in order. */
  index: usize;
  /** RMSNorm weight [depth], or 0 for none. */
  norm: usize;
  eps: f32;
}

/** Address of row `row`; with a norm, that of its norm in `scratch` [depth]. */
export function rowOf(args: RowSource, row: i32, scratch: usize): usize {
  const source = args.index ? load<u32>(args.index + (<usize>row << 2)) : row;
  const x = args.x + (<usize>source * <usize>args.depth << 2);
  if (!args.norm) return x;
  const scale: f32 = 1 / squareRoot(sumOfSquares(x, args.depth) / <f32>args.depth + args.eps);
  scaleByWeight(x, scale, args.norm, scratch, args.depth);
  return scratch;
}

/** Where a row's first value goes in panels of `depth` values of `bytes` bytes, grouped by `group` depths. */
// @ts-ignore: decorator
@inline
export function placeOf(args: RowSource, row: i32, depth: i32, bytes: usize, group: i32): usize {
  const panel = panelOf(row, args.rows, args.panels);
  const start = panelStart(panel, args.rows, args.panels);
  return args.into + (<usize>start * <usize>depth + <usize>((row - start) * group)) * bytes;
}

/** Bytes from one group of depths of a row to the next. */
// @ts-ignore: decorator
@inline
export function strideOf(args: RowSource, row: i32, bytes: usize, group: i32): usize {
  return <usize>(panelRows(panelOf(row, args.rows, args.panels), args.rows, args.panels) * group) * bytes;
}
