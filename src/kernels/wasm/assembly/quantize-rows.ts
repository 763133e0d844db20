// Activations for products with eight-bit weights: balanced and rotated as the weights were, rounded with one step a row,
// in row panels (parts/panels.ts) of four depths a word. [rows, depth] → i8 [paddedDepth / 4, panelRows, 4] per panel, then
// float32 steps [rows]

import { inverseOf, largestMagnitude, stepOf, writeI16, writeI8 } from "./parts/quantize.ts";
import { rotationBlock, scaleAndRotate } from "./parts/rotate.ts";
import { RowSource, placeOf, rowOf, strideOf } from "./parts/row-source.ts";

@unmanaged
class QuantizeRows extends RowSource {
  /** The depth rounded up to whole words. */
  paddedDepth: i32;
  /** float32 [depth], what the weights were divided by. */
  balance: usize;
  /** 0x80808080 where the engine's dot product takes these values as unsigned, which adds 128 to each; else 0. */
  offset: i32;
}

export function quantizeRowsI8(args: QuantizeRows, tile: i32, scratch: usize): void {
  quantizeTile(false, args, tile, scratch);
}

/** As 16-bit values, the pairs (0 2) (1 3) of each four depths: for tileI16 of parts/tile-int.ts. */
export function quantizeRowsI16(args: QuantizeRows, tile: i32, scratch: usize): void {
  quantizeTile(true, args, tile, scratch);
}

// @ts-ignore: decorator
@inline
function quantizeTile(WIDE: bool, args: QuantizeRows, tile: i32, scratch: usize): void {
  const bytes: usize = WIDE ? 2 : 1;
  const steps = args.into + <usize>args.rows * <usize>args.paddedDepth * bytes;
  const first = tile * args.rowsPerTile;
  const end = min(first + args.rowsPerTile, args.rows);
  v128.store(scratch + ((<usize>args.depth << 2) & ~15), i32x4.splat(0));
  for (let row = first; row < end; row++) {
    scaleAndRotate(rowOf(args, row, scratch), args.balance, scratch, args.depth, rotationBlock(args.depth));
    const step = stepOf(largestMagnitude(scratch, args.paddedDepth));
    store<f32>(steps + (<usize>row << 2), step);
    const into = placeOf(args, row, args.paddedDepth, bytes, 4);
    const stride = strideOf(args, row, bytes, 4);
    if (WIDE) writeI16(scratch, args.paddedDepth, inverseOf(step), into, stride);
    else writeI8(scratch, args.paddedDepth, inverseOf(step), into, stride, args.offset);
  }
}
