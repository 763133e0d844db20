// Queries into panels and results out of them: row r of a tile is head r mod group of token r / group.

import { Attention, Task, Work, groupOf } from "./attention-work.ts";
import { packRows, unpackFour } from "./pack-row.ts";

/** Lays q · scale out in panels [D, C]; columns without a row stay zero. */
export function packQueries(args: Attention, task: Task, work: Work): void {
  for (let row = 0; row < work.rows; row += 8) {
    const rows = min(8, work.rows - row);
    writeAddresses(args, task, work, row, rows, args.q);
    packRows(work.rowAddresses, rows, args.headDim, inPanels(args, work, work.q, row), work.stride, args.scale);
  }
}

/** out = sums / totals */
export function writeResults(args: Attention, task: Task, work: Work): void {
  const one = f32x4.splat(1);
  for (let row = 0; row < work.rows; row += 4) {
    const rows = min(4, work.rows - row);
    for (let i = rows; i < 4; i++) store<usize>(work.rowAddresses + <usize>i * sizeof<usize>(), work.q); // to no one
    writeAddresses(args, task, work, row, rows, args.out);
    const factors = f32x4.div(one, v128.load(work.totals + (<usize>row << 2)));
    unpackFour(inPanels(args, work, work.sums, row), work.stride, factors, work.rowAddresses, args.headDim);
  }
}

/** Of rows `row` … in a matrix [*, heads · D] at `base`. */
function writeAddresses(args: Attention, task: Task, work: Work, row: i32, rows: i32, base: usize): void {
  for (let i = 0; i < rows; i++) {
    store<usize>(work.rowAddresses + <usize>i * sizeof<usize>(), headAddress(args, task, row + i, base));
  }
}

/** Of row `row` in a matrix [*, heads · D] at `base`. */
// @ts-ignore: decorator
@inline
export function headAddress(args: Attention, task: Task, row: i32, base: usize): usize {
  const group = groupOf(args);
  const head = (task.queryStart + row / group) * args.heads + task.kvHead * group + (row % group);
  return base + (<usize>(head * args.headDim) << 2);
}

/** Where row `row` is in panels [D, C] from `base` on. */
// @ts-ignore: decorator
@inline
function inPanels(args: Attention, work: Work, base: usize, row: i32): usize {
  return base + <usize>(row / args.tileColumns) * work.panelBytes + (<usize>(row % args.tileColumns) << 2);
}
