// Activations for products with eight-bit weights: balanced and rotated as the weights were, rounded with one step a row,
// in row panels (parts/panels.ts) of four depths a word. [rows, depth] → i8 [paddedDepth / 4, panelRows, 4] per panel, then
// float32 steps [rows]

import { inverseOf, largestMagnitude, lowBytes, lowBytesOfFour, roundFour, stepOf } from "./parts/quantize.ts";
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

function writeI8(x: usize, depth: i32, inverseStep: f32, into: usize, stride: usize, offset: i32): void {
  const inverse = f32x4.splat(inverseStep), offsets = i32x4.splat(offset);
  let i = 0;
  for (; i + 16 <= depth; i += 16, x += 64) {
    const a = roundFour(x, inverse), b = roundFour(x + 16, inverse), c = roundFour(x + 32, inverse), d = roundFour(x + 48, inverse);
    const bytes = v128.xor(lowBytesOfFour(a, b, c, d), offsets);
    v128.store32_lane(into, bytes, 0);
    v128.store32_lane(into += stride, bytes, 1);
    v128.store32_lane(into += stride, bytes, 2);
    v128.store32_lane(into += stride, bytes, 3);
    into += stride;
  }
  for (; i < depth; i += 4, x += 16, into += stride) v128.store32_lane(into, v128.xor(lowBytes(roundFour(x, inverse)), offsets), 0);
}

function writeI16(x: usize, depth: i32, inverseStep: f32, into: usize, stride: usize): void {
  const inverse = f32x4.splat(inverseStep);
  for (let i = 0; i < depth; i += 4, x += 16, into += stride) {
    const four = roundFour(x, inverse);
    v128.store64_lane(into, i16x8.shuffle(four, four, 0, 4, 2, 6, 0, 4, 2, 6), 0);
  }
}
