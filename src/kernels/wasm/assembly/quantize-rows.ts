// Activations for products with eight-bit weights: balanced and rotated as the weights were, rounded with one step a row,
// in row panels (parts/panels.ts) of four depths a word. [rows, depth] → i8 [paddedDepth / 4, panelRows, 4] per panel, then
// float32 steps [rows]

import { panelRows, panelStart } from "./parts/panels.ts";
import { inverseOf, largestMagnitude, packFour, roundFour, stepOf } from "./parts/quantize.ts";
import { rotate, rotationBlock } from "./parts/rotate.ts";

@unmanaged
class QuantizeRows {
  /** float32 [*, depth] */
  x: usize;
  into: usize;
  rows: i32;
  depth: i32;
  /** The depth rounded up to whole words. */
  paddedDepth: i32;
  panels: i32;
  panelsPerTile: i32;
  /** u32 [rows], which rows of x; 0 for all of them in order. */
  index: usize;
  /** float32 [depth], what the weights were divided by. */
  balance: usize;
  /** 0x80808080 where the engine's dot product takes these values as unsigned, which adds 128 to each; else 0. */
  offset: i32;
}

export function quantizeRowsI8(args: QuantizeRows, tile: i32, scratch: usize): void {
  quantizePanels(false, args, tile, scratch);
}

/** As 16-bit values, the pairs (0 2) (1 3) of each four depths: for parts/tile-i16.ts. */
export function quantizeRowsI16(args: QuantizeRows, tile: i32, scratch: usize): void {
  quantizePanels(true, args, tile, scratch);
}

// @ts-ignore: decorator
@inline
function quantizePanels(WIDE: bool, args: QuantizeRows, tile: i32, scratch: usize): void {
  const bytes: usize = WIDE ? 2 : 1;
  const steps = args.into + <usize>args.rows * <usize>args.paddedDepth * bytes;
  const first = tile * args.panelsPerTile;
  const end = min(first + args.panelsPerTile, args.panels);
  let row = panelStart(first, args.rows, args.panels);
  for (let panel = first; panel < end; panel++) {
    const rows = panelRows(panel, args.rows, args.panels);
    const into = args.into + <usize>row * <usize>args.paddedDepth * bytes;
    for (let i = 0; i < rows; i++, row++) {
      const source = args.index ? load<u32>(args.index + (<usize>row << 2)) : row;
      balanceAndRotate(args.x + (<usize>(source * args.depth) << 2), args, scratch);
      const step = stepOf(largestMagnitude(scratch, args.depth));
      store<f32>(steps + (<usize>row << 2), step);
      if (WIDE) writeI16(scratch, args.paddedDepth, inverseOf(step), into + (<usize>i << 3), <usize>rows << 3);
      else writeI8(scratch, args.paddedDepth, inverseOf(step), into + (<usize>i << 2), <usize>rows << 2, args.offset);
    }
  }
}

/** into [paddedDepth] = x · balance, rotated, zeros behind. */
function balanceAndRotate(x: usize, args: QuantizeRows, into: usize): void {
  const bytes = <usize>args.depth << 2;
  v128.store(into + (bytes & ~15), i32x4.splat(0));
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(into + i, f32x4.mul(v128.load(x + i), v128.load(args.balance + i)));
  for (; i < bytes; i += 4) store<f32>(into + i, load<f32>(x + i) * load<f32>(args.balance + i));
  rotate(into, args.depth, rotationBlock(args.depth));
}

function writeI8(x: usize, depth: i32, inverseStep: f32, into: usize, stride: usize, offset: i32): void {
  const inverse = f32x4.splat(inverseStep);
  for (let i = 0; i < depth; i += 4, x += 16, into += stride) store<i32>(into, packFour(roundFour(x, inverse)) ^ offset);
}

function writeI16(x: usize, depth: i32, inverseStep: f32, into: usize, stride: usize): void {
  const inverse = f32x4.splat(inverseStep);
  for (let i = 0; i < depth; i += 4, x += 16, into += stride) {
    const four = roundFour(x, inverse);
    v128.store64_lane(into, i16x8.narrow_i32x4_s(v128.shuffle<u32>(four, four, 0, 2, 1, 3), four), 0);
  }
}
