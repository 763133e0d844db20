// Causal grouped-query attention over a packed batch, after FlashAttention: keys and values come in blocks, a running
// maximum and sum rescale what was added before, and no matrix of scores exists beyond one block.
//
// One tile of the job is some tokens of one sequence with all query heads that share one key/value head. These rows lie
// side by side in panels of eight or sixteen, so that scores = keys · q, their softmax and sums = valuesᵀ · weights work on
// as many queries at once, each in its own lane. Blocks are counted from the first key a sequence sees: a row's result
// does not depend on which rows share its tile.

import { packQueries, writeResults } from "./parts/attention-rows.ts";
import { Attention, BLOCK_KEYS, LOWEST, Task, Work, groupOf, keyOffset, prepareWork } from "./parts/attention-work.ts";
import { weighBlock } from "./parts/online-softmax.ts";
import { multiplyRounded, roundKeys, roundQueries } from "./parts/rounded-scores.ts";
import { multiplyStrided } from "./parts/tile-strided.ts";
import { F32 } from "./parts/widen.ts";

/** With more panels of queries than this, a block's keys and values are worth copying together. */
const PANELS_IN_PLACE: i32 = 2;

export function attention(args: Attention, tile: i32, scratch: usize): void {
  const task = changetype<Task>(args.tasks + <usize>tile * offsetof<Task>());
  const work = prepareWork(args, task, scratch);
  if (task.scores === F32) packQueries(args, task, work);
  else roundQueries(args, task, work);
  const keys = task.visible + task.queries - 1;
  for (let first = 0; first < keys; first += BLOCK_KEYS) {
    const count = min(BLOCK_KEYS, keys - first);
    const across = first < task.prefixLength && first + count > task.prefixLength;
    if (across || work.panels > PANELS_IN_PLACE) copyBlock(args, task, work, first, count);
    else findBlock(args, task, work, first);
    if (task.scores !== F32) roundKeys(args, task, work, first, count);
    for (let panel = 0; panel < work.panels; panel++) attendBlock(args, task, work, panel, first, count);
  }
  writeResults(args, task, work);
}

/** The block's rows where they are. */
function findBlock(args: Attention, task: Task, work: Work, first: i32): void {
  const from = keyOffset(args, task, first);
  work.keys = args.k + from;
  work.values = args.v + from;
  work.keyBytes = <usize>(args.kvHeads * args.headDim) << 2;
}

/** Copies the block's rows together: a sequence's lie in as many pages of memory as there are tokens. */
function copyBlock(args: Attention, task: Task, work: Work, first: i32, count: i32): void {
  work.keys = work.keyCopies;
  work.values = work.valueCopies;
  work.keyBytes = work.copyBytes;
  for (let i = 0; i < count; i++) {
    const from = keyOffset(args, task, first + i), into = <usize>i * work.copyBytes;
    if (task.scores === F32) copyRow(args.k + from, work.keys + into, args.headDim);
    copyRow(args.v + from, work.values + into, args.headDim);
  }
}

// @ts-ignore: decorator
@inline
function copyRow(from: usize, into: usize, width: i32): void {
  for (; width >= 4; width -= 4, from += 16, into += 16) v128.store(into, v128.load(from));
  for (; width > 0; width--, from += 4, into += 4) store<f32>(into, load<f32>(from));
}

/** Attends from one panel of queries to what they see of the block's keys [first, first + count). */
function attendBlock(args: Attention, task: Task, work: Work, panel: i32, first: i32, count: i32): void {
  const columns = args.tileColumns, firstRow = panel * columns;
  const seen = min(count, visibleTo(args, task, min(work.rows, firstRow + columns) - 1) - first);
  if (seen <= 0) return;
  const keys = work.keys, values = work.values, keyBytes = work.keyBytes, scores = work.scores, stride = work.stride;
  const q = work.q + <usize>panel * work.panelBytes, sums = work.sums + <usize>panel * work.panelBytes;
  if (task.scores === F32) {
    memory.fill(scores, 0, <usize>seen * stride);
    multiplyStrided(columns, args.tileRows, seen, keys, keyBytes, 4, q, args.headDim, scores);
  } else {
    multiplyRounded(args, task, work, panel, seen, count);
  }
  hideLaterKeys(args, task, work, firstRow, first, seen);
  for (let column = 0; column < columns; column += 8) {
    const at = <usize>column << 2, row = <usize>(firstRow + column) << 2;
    weighBlock(scores + at, seen, work.maxima + row, work.totals + row, sums + at, args.headDim, stride, work.constants);
  }
  multiplyStrided(columns, args.tileRows, args.headDim, values, 4, keyBytes, scores, seen, sums);
}

/** Keys that row `row` sees. */
// @ts-ignore: decorator
@inline
function visibleTo(args: Attention, task: Task, row: i32): i32 {
  return task.visible + row / groupOf(args);
}

/** Gives the `keys` scores of a panel no weight where a row does not see the key. */
function hideLaterKeys(args: Attention, task: Task, work: Work, firstRow: i32, first: i32, keys: i32): void {
  if (visibleTo(args, task, firstRow) >= first + keys) return;
  for (let column = 0; column < args.tileColumns; column++) {
    const visible = max(0, visibleTo(args, task, firstRow + column) - first);
    for (let key = visible; key < keys; key++) {
      store<f32>(work.scores + <usize>key * work.stride + (<usize>column << 2), LOWEST);
    }
  }
}
