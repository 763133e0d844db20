// Stored weights to eight bits, once, at load: balanced, rotated, rounded with one step a row.

import { PANEL_COLUMNS } from "./parts/panels.ts";
import { writeColumn } from "./parts/quantize.ts";
import { rotationBlock, rotationGain, scaleAndRotate } from "./parts/rotate.ts";
import { PANEL_HEAD } from "./parts/tile-int.ts";
import { BF16, F16, F32, widenRow } from "./parts/widen.ts";

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

/** Columns of one tile of balanceWeights: a cache line of 16-bit weights. */
const BALANCE_COLUMNS: i32 = 32;

/**
 * balance[k] = √(root mean square of column k). Dividing the weights by it and multiplying the activations halves, in
 * decibels, the differences between columns, and moves the other half to the activations: a column of small weights that
 * meets large activations is not rounded away. `scratch` has room for 32 float32.
 */
export function balanceWeights(args: QuantizeWeights, tile: i32, scratch: usize): void {
  const first = tile * BALANCE_COLUMNS;
  const count = min(BALANCE_COLUMNS, args.depth - first);
  const sums = args.balance + (<usize>first << 2);
  memory.fill(sums, 0, <usize>count << 2);
  for (let row = 0; row < args.columns; row++) {
    widen(args, row, first, count, scratch);
    addSquares(scratch, sums, count);
  }
  for (let k = 0; k < count; k++) {
    const meanSquare = load<f32>(sums + (<usize>k << 2)) / <f32>args.columns;
    store<f32>(sums + (<usize>k << 2), meanSquare > 0 ? sqrt<f32>(sqrt<f32>(meanSquare)) : 1);
  }
}

/** sums += x², elementwise */
function addSquares(x: usize, sums: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, x += 16, sums += 16) {
    const v = v128.load(x);
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(v, v)));
  }
  for (; i < count; i++, x += 4, sums += 4) store<f32>(sums, load<f32>(sums) + load<f32>(x) * load<f32>(x));
}

/** One panel; columns beyond the last are zero. `scratch` has room for a row and what it is multiplied with. */
export function quantizeWeights(args: QuantizeWeights, panel: i32, scratch: usize): void {
  const first = panel * PANEL_COLUMNS;
  const panelBytes = PANEL_HEAD + (<usize>args.paddedDepth << 3);
  const into = args.into + <usize>panel * panelBytes;
  const count = min(PANEL_COLUMNS, args.columns - first);
  if (count < PANEL_COLUMNS) memory.fill(into, 0, panelBytes);
  const row = scratch + ((<usize>args.paddedDepth << 2) & ~15) + 16;
  invert(args.balance, scratch, args.depth);
  for (let column = 0; column < count; column++) quantizeRow(args, first + column, into, column, scratch, row);
}

/** into = 1 / x, elementwise */
function invert(x: usize, into: usize, count: i32): void {
  for (const end = x + (<usize>count << 2); x < end; x += 4, into += 4) store<f32>(into, 1 / load<f32>(x));
}

function quantizeRow(args: QuantizeWeights, index: i32, panel: usize, column: i32, factors: usize, row: usize): void {
  const block = rotationBlock(args.depth);
  v128.store(row + ((<usize>args.depth << 2) & ~15), i32x4.splat(0));
  widen(args, index, 0, args.depth, row);
  scaleAndRotate(row, factors, row, args.depth, block);
  // Both factors of the product were lengthened by √block.
  writeColumn(row, args.paddedDepth, 1 / rotationGain(block), args.activationOffset, panel, column);
}

/** into = columns [first, first + count) of a stored row */
function widen(args: QuantizeWeights, row: i32, first: i32, count: i32, into: usize): void {
  const index = <usize>row * <usize>args.depth + first;
  if (args.type === F32) memory.copy(into, args.from + (index << 2), <usize>count << 2);
  else if (args.type === BF16) widenRow(BF16, args.from + (index << 1), into, count);
  else widenRow(F16, args.from + (index << 1), into, count);
}
