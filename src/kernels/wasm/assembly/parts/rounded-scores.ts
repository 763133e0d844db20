// Scores from queries and keys in eight bits, rotated and rounded as products with eight-bit weights are. The queries of a
// tile take the place of weights, in column panels of eight; a block's keys that of activations, in row panels.

import { headAddress } from "./attention-rows.ts";
import { Attention, Task, Work, keyOffset } from "./attention-work.ts";
import { inverseOf, largestMagnitude, stepOf, writeColumn, writeI16, writeI8 } from "./quantize.ts";
import { PANEL_COLUMNS } from "./panels.ts";
import { rotationBlock, rotationGain, scaleAndRotate } from "./rotate.ts";
import { I16, I8, activationBytes, multiplyTileInt } from "./tile-int.ts";
import { multiplyTileWideI8 } from "./tile-wide.ts";

/** Rounds q · scale. Columns without a row stay zero. */
export function roundQueries(args: Attention, task: Task, work: Work): void {
  const factor = args.scale / rotationGain(rotationBlock(args.headDim));
  for (let row = 0; row < work.rows; row++) {
    rotate(args, work, headAddress(args, task, row, args.q));
    const panel = work.q + <usize>(row / PANEL_COLUMNS) * work.queryBytes;
    writeColumn(work.rotated, work.words << 2, factor, args.activationOffset, panel, row % PANEL_COLUMNS);
  }
}

/** Rounds the block's keys [first, first + count) into panels of as many as a register tile has rows, the last of fewer. */
export function roundKeys(args: Attention, task: Task, work: Work, first: i32, count: i32): void {
  const bytes = activationBytes(task.scores);
  for (let start = 0; start < count; start += args.keyRows) {
    const rows = min(args.keyRows, count - start);
    const panel = keyPanel(task, work, start), stride = <usize>(rows << 2) * bytes;
    for (let i = 0; i < rows; i++) {
      rotate(args, work, args.k + keyOffset(args, task, first + start + i));
      const step = stepOf(largestMagnitude(work.rotated, work.words << 2));
      store<f32>(work.keySteps + (<usize>(start + i) << 2), step);
      const into = panel + <usize>(i << 2) * bytes;
      if (task.scores === I16) writeI16(work.rotated, work.words << 2, inverseOf(step), into, stride);
      else writeI8(work.rotated, work.words << 2, inverseOf(step), into, stride, args.activationOffset * 0x01010101);
    }
  }
}

/** work.rotated = x · H */
// @ts-ignore: decorator
@inline
function rotate(args: Attention, work: Work, x: usize): void {
  scaleAndRotate(x, work.ones, work.rotated, args.headDim, rotationBlock(args.headDim));
}

/** Where the row panel that begins with the block's key `key` is. */
// @ts-ignore: decorator
@inline
function keyPanel(task: Task, work: Work, key: i32): usize {
  return work.keyCopies + <usize>(key * (work.words << 2)) * activationBytes(task.scores);
}

/** scores [keys, C] = keys · queries of panel `panel`, of the first `seen` or a few more of the block's `count` keys. */
export function multiplyRounded(args: Attention, task: Task, work: Work, panel: i32, seen: i32, count: i32): void {
  let scores = work.scores;
  const columns = args.tileColumns;
  const queries = work.q + <usize>(panel * (columns / PANEL_COLUMNS)) * work.queryBytes;
  for (let start = 0; start < seen; start += args.keyRows) {
    const rows = min(args.keyRows, count - start);
    const keys = keyPanel(task, work, start), steps = work.keySteps + (<usize>start << 2);
    if (task.scores === I16) multiplyPanels(I16, work, rows, columns, keys, steps, queries, scores);
    else if (columns === PANEL_COLUMNS) multiplyPanels(I8, work, rows, columns, keys, steps, queries, scores);
    else multiplyTileWideI8(rows, keys, steps, queries, work.queryBytes, work.words, scores, work.stride);
    scores += <usize>rows * work.stride;
  }
}

// @ts-ignore: decorator
@inline
function multiplyPanels(
  TYPE: i32, work: Work, rows: i32, columns: i32, keys: usize, steps: usize, queries: usize, scores: usize,
): void {
  for (let column = 0; column < columns; column += PANEL_COLUMNS, queries += work.queryBytes, scores += 32) {
    multiplyTileInt(TYPE, rows, keys, steps, queries, work.words, scores, work.stride, queries, 0);
  }
}
