// Stored weights to eight bits, once, at load: balanced, rotated, rounded with one step a row.

import { PANEL_COLUMNS } from "./parts/panels.ts";
import { inverseOf, largestMagnitude, packFour, roundFour, stepOf } from "./parts/quantize.ts";
import { rotate, rotationBlock, rotationLength } from "./parts/rotate.ts";
import { BF16, F16, F32, widenOne } from "./parts/widen.ts";

@unmanaged
class QuantizeWeights {
  /** Stored rows of the matrix [columns, depth], one per column of the product. */
  from: usize;
  /** Column panels: float32 steps [8], i32 offsets [8], i8 [paddedDepth / 4, 8, 4]. */
  into: usize;
  columns: i32;
  depth: i32;
  /** The depth rounded up to whole words. */
  paddedDepth: i32;
  /** float32 [depth], what every row is divided by. */
  balance: usize;
  /** F32, BF16 or F16 of parts/widen.ts. */
  type: i32;
  /** What the engine's dot product adds to activations (quantize-rows.ts): 128 or 0. */
  activationOffset: i32;
}

/** Columns of one tile of balanceWeights. */
const BALANCE_COLUMNS: i32 = 64;

/**
 * balance[k] = √(root mean square of column k). Dividing the weights by it and multiplying the activations halves, in
 * decibels, the differences between columns, and moves the other half to the activations: a column of small weights that
 * meets large activations is not rounded away.
 */
export function balanceWeights(args: QuantizeWeights, tile: i32, _scratch: usize): void {
  const first = tile * BALANCE_COLUMNS;
  const end = min(first + BALANCE_COLUMNS, args.depth);
  memory.fill(args.balance + (<usize>first << 2), 0, <usize>(end - first) << 2);
  for (let row = 0; row < args.columns; row++) {
    for (let k = first; k < end; k++) {
      const value = widened(args, row, k);
      const sum = args.balance + (<usize>k << 2);
      store<f32>(sum, load<f32>(sum) + value * value);
    }
  }
  for (let k = first; k < end; k++) {
    const at = args.balance + (<usize>k << 2);
    const meanSquare = load<f32>(at) / <f32>args.columns;
    store<f32>(at, meanSquare > 0 ? sqrt<f32>(sqrt<f32>(meanSquare)) : 1);
  }
}

/** One panel; columns beyond the last are zero. */
export function quantizeWeights(args: QuantizeWeights, panel: i32, scratch: usize): void {
  const first = panel * PANEL_COLUMNS;
  const into = args.into + <usize>panel * (64 + (<usize>args.paddedDepth << 3));
  memory.fill(into, 0, 64 + (<usize>args.paddedDepth << 3));
  const count = min(PANEL_COLUMNS, args.columns - first);
  for (let column = 0; column < count; column++) quantizeRow(args, first + column, into, column, scratch);
}

function quantizeRow(args: QuantizeWeights, row: i32, panel: usize, column: i32, scratch: usize): void {
  v128.store(scratch + ((<usize>args.depth << 2) & ~15), i32x4.splat(0));
  for (let k = 0; k < args.depth; k++) {
    const at = <usize>k << 2;
    store<f32>(scratch + at, widened(args, row, k) / load<f32>(args.balance + at));
  }
  const block = rotationBlock(args.depth);
  rotate(scratch, args.depth, block);
  const step = stepOf(largestMagnitude(scratch, args.depth));
  const sum = writeColumn(scratch, args.paddedDepth, inverseOf(step), panel + 64 + (<usize>column << 2));
  // Both factors of the product were lengthened by √block.
  store<f32>(panel + (<usize>column << 2), step / rotationLength(block));
  store<i32>(panel + 32 + (<usize>column << 2), -args.activationOffset * sum);
}

/** Writes one column of a panel and returns the sum of its values. */
function writeColumn(x: usize, depth: i32, inverseStep: f32, into: usize): i32 {
  const inverse = f32x4.splat(inverseStep);
  let sums = i32x4.splat(0);
  for (let k = 0; k < depth; k += 4, x += 16, into += PANEL_COLUMNS << 2) {
    const four = roundFour(x, inverse);
    sums = i32x4.add(sums, four);
    store<i32>(into, packFour(four));
  }
  const pairs = i32x4.add(sums, v128.shuffle<u32>(sums, sums, 2, 3, 2, 3));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

// @ts-ignore: decorator
@inline
function widened(args: QuantizeWeights, row: i32, k: i32): f32 {
  const index = <usize>row * <usize>args.depth + k;
  if (args.type === F32) return widenOne(F32, args.from + (index << 2));
  if (args.type === BF16) return widenOne(BF16, args.from + (index << 1));
  return widenOne(F16, args.from + (index << 1));
}
