// Causal grouped-query attention over a packed batch, after FlashAttention: keys and values come in blocks, a running
// maximum and sum rescale what was added before, and no matrix of scores exists beyond one block.
//
// One tile of the job is up to `queries` tokens of one sequence with all query heads that share one key/value head: its
// rows are (token, head) pairs, token-major. Blocks are counted from the first key a sequence sees, and every row of a
// block is computed alone, so a row's result does not depend on which rows share its tile.

import { exp } from "./parts/exp.ts";
import { PANEL_COLUMNS, panelOf, panelRows, panelStart } from "./parts/panels.ts";
import { packRows } from "./parts/pack-row.ts";
import { multiplyTile } from "./parts/tile.ts";
import { multiplyTileWide } from "./parts/tile-wide.ts";
import { madd, maxLanes, sumLanes } from "./parts/vector.ts";
import { F32 } from "./parts/widen.ts";

/** Keys of a block: 64 × 128 float32 of keys, then of values (32 KiB each), stay in the cache. */
const BLOCK_KEYS: i32 = 64;
/** Stands for −∞ before the first key; exp of it is 0 and no difference of two is NaN. */
const LOWEST: f32 = -1e30;

@unmanaged
class Attention {
  /** [*, heads · D] */
  q: usize;
  /** [*, kvHeads · D] each */
  k: usize;
  v: usize;
  /** [*, heads · D] */
  out: usize;
  /** Of Task, one a tile. */
  tasks: usize;
  heads: i32;
  kvHeads: i32;
  headDim: i32;
  /** D^-½ */
  scale: f32;
  /** Rows of a register tile at most. */
  maxPanelRows: i32;
  /** Columns of a register tile, 8 or 16. */
  tileColumns: i32;
}

@unmanaged
class Task {
  /** First query row and number of tokens. */
  queryStart: i32;
  queries: i32;
  kvHead: i32;
  /** Keys [0, prefixLength) are rows prefixStart …; key prefixLength + j is row keyStart + j. */
  prefixStart: i32;
  prefixLength: i32;
  keyStart: i32;
  /** Keys the first query sees, the prefix included; each later one sees one more. */
  visible: i32;
}

/** The thread's working memory for one tile. R rows, D head_dim, B BLOCK_KEYS. */
@unmanaged
class Work {
  rows: i32;
  panels: i32;
  /** Row panels [R, D] of q · scale. */
  q: usize;
  /** For each row panel of r rows, B · r: as much as its rows see of the block's weights, [keys, r]. */
  weights: usize;
  /** Column panels [B, D] of keys and [D, B] of values. */
  keys: usize;
  values: usize;
  /** [R, B], [R, ceil8(D)] */
  scores: usize;
  sums: usize;
  /** [R] each: the running maximum, and the running sum of exp(score − maximum). */
  maxima: usize;
  totals: usize;
}

/** The fields above, and eight addresses of rows to be packed. */
const WORK_BYTES: usize = 192;
const SOURCES: usize = 128;

export function attention(args: Attention, tile: i32, scratch: usize): void {
  const task = changetype<Task>(args.tasks + <usize>tile * offsetof<Task>());
  const work = prepare(args, task, scratch);
  const keys = task.visible + task.queries - 1;
  for (let first = 0; first < keys; first += BLOCK_KEYS) {
    const count = min(BLOCK_KEYS, keys - first);
    packBlock(args, task, work, first, count);
    scoreBlock(args, task, work, first, count);
    weighBlock(args, task, work, first, count);
    addValues(args, task, work, first, count);
  }
  writeOut(args, task, work);
}

/** Rows that share a key/value head, per token. */
// @ts-ignore: decorator
@inline
function group(args: Attention): i32 {
  return args.heads / args.kvHeads;
}

// @ts-ignore: decorator
@inline
function ceil8(n: i32): i32 {
  return (n + 7) & ~7;
}

function prepare(args: Attention, task: Task, scratch: usize): Work {
  const work = changetype<Work>(scratch);
  const rows = task.queries * group(args);
  const width = ceil8(args.headDim);
  work.rows = rows;
  work.panels = (rows + args.maxPanelRows - 1) / args.maxPanelRows;
  work.q = scratch + WORK_BYTES;
  work.weights = work.q + (<usize>(rows * args.headDim) << 2);
  work.keys = (work.weights + (<usize>(rows * BLOCK_KEYS) << 2) + 63) & ~63;
  work.values = work.keys + (<usize>(BLOCK_KEYS * args.headDim) << 2);
  work.scores = work.values + (<usize>(BLOCK_KEYS * width) << 2);
  work.sums = work.scores + (<usize>(rows * BLOCK_KEYS) << 2);
  work.maxima = work.sums + (<usize>(rows * width) << 2);
  work.totals = work.maxima + (<usize>rows << 2);
  memory.fill(work.sums, 0, <usize>(rows * width) << 2);
  memory.fill(work.totals, 0, <usize>rows << 2);
  for (let row = 0; row < rows; row++) store<f32>(work.maxima + (<usize>row << 2), LOWEST);
  packQueries(args, task, work);
  return work;
}

function packQueries(args: Attention, task: Task, work: Work): void {
  const heads = group(args);
  const headBytes = <usize>args.headDim << 2;
  const sources = changetype<usize>(work) + SOURCES;
  let row = 0;
  for (let panel = 0; panel < work.panels; panel++) {
    const rows = panelRows(panel, work.rows, work.panels);
    const into = work.q + <usize>row * headBytes;
    for (let i = 0; i < rows; i++, row++) {
      const token = task.queryStart + row / heads;
      const head = task.kvHead * heads + (row % heads);
      store<usize>(sources + <usize>i * sizeof<usize>(), args.q + <usize>(token * args.heads + head) * headBytes);
    }
    packRows(sources, rows, args.headDim, into, <usize>rows << 2, args.scale);
  }
}

/** Key and value row of logical key `key`, as an offset in bytes for this task's head. */
// @ts-ignore: decorator
@inline
function keyOffset(args: Attention, task: Task, key: i32): usize {
  const row = key < task.prefixLength ? task.prefixStart + key : task.keyStart + key - task.prefixLength;
  return (<usize>(row * args.kvHeads + task.kvHead) * <usize>args.headDim) << 2;
}

function packBlock(args: Attention, task: Task, work: Work, first: i32, count: i32): void {
  const panelBytes = <usize>(args.headDim * PANEL_COLUMNS) << 2;
  const sources = changetype<usize>(work) + SOURCES;
  let panel = work.keys;
  for (let start = 0; start < count; start += PANEL_COLUMNS, panel += panelBytes) {
    const keys = min(PANEL_COLUMNS, count - start);
    for (let i = 0; i < keys; i++) {
      const from = keyOffset(args, task, first + start + i);
      store<usize>(sources + <usize>i * sizeof<usize>(), args.k + from);
      packValue(args.v + from, args.headDim, work.values + (<usize>((start + i) * PANEL_COLUMNS) << 2), count);
    }
    packRows(sources, keys, args.headDim, panel, PANEL_COLUMNS << 2, 1);
  }
}

/** Row of values [D] into column panels [count, 8] each; the columns beyond D are zero. */
function packValue(from: usize, headDim: i32, into: usize, count: i32): void {
  const panelBytes = <usize>(count * PANEL_COLUMNS) << 2;
  let column = 0;
  for (; column + 8 <= headDim; column += 8, from += 32, into += panelBytes) {
    v128.store(into, v128.load(from));
    v128.store(into, v128.load(from, 16), 16);
  }
  if (column === headDim) return;
  memory.fill(into, 0, 32);
  memory.copy(into, from, <usize>(headDim - column) << 2);
}

/** Keys of a block from `first` on that row `row` sees. */
// @ts-ignore: decorator
@inline
function visibleTo(args: Attention, task: Task, row: i32, first: i32, count: i32): i32 {
  return max(0, min(count, task.visible + row / group(args) - first));
}

/** The first row panel in which a row sees key `key`. */
function firstPanelFor(args: Attention, task: Task, work: Work, key: i32): i32 {
  const token = max(0, key - task.visible + 1);
  return panelOf(token * group(args), work.rows, work.panels);
}

/**
 * scores = q · keysᵀ, where any row of a panel sees any key of a panel. The last panel may hold keys of an earlier block
 * beyond `count`: those scores are not read.
 */
function scoreBlock(args: Attention, task: Task, work: Work, first: i32, count: i32): void {
  const panelBytes = <usize>(args.headDim * PANEL_COLUMNS) << 2;
  memory.fill(work.scores, 0, <usize>work.rows * (BLOCK_KEYS << 2));
  let b = work.keys;
  for (let column = 0; column < count; ) {
    const two = args.tileColumns === 16 && column + PANEL_COLUMNS < count;
    scorePanels(work, firstPanelFor(args, task, work, first + column), args.headDim, b, two ? panelBytes : 0, column);
    column += two ? 2 * PANEL_COLUMNS : PANEL_COLUMNS;
    b += two ? panelBytes << 1 : panelBytes;
  }
}

/** scores[rows from panel `panel` on, column …] = q · the column panel b and, if `next` is not 0, the one that far on. */
function scorePanels(work: Work, panel: i32, depth: i32, b: usize, next: usize, column: i32): void {
  let row = panelStart(panel, work.rows, work.panels);
  for (; panel < work.panels; panel++) {
    const rows = panelRows(panel, work.rows, work.panels);
    const a = work.q + (<usize>(row * depth) << 2);
    const c = work.scores + (<usize>(row * BLOCK_KEYS + column) << 2);
    if (next) multiplyTileWide(rows, a, b, next, depth, c, BLOCK_KEYS << 2, a, 0);
    else multiplyTile(F32, rows, a, b, depth, c, BLOCK_KEYS << 2, a, 0);
    row += rows;
  }
}

/** sums += weights · values */
function addValues(args: Attention, task: Task, work: Work, first: i32, count: i32): void {
  const panelBytes = <usize>(count * PANEL_COLUMNS) << 2;
  const width = ceil8(args.headDim);
  let b = work.values;
  for (let column = 0; column < width; ) {
    const two = args.tileColumns === 16 && column + PANEL_COLUMNS < width;
    const next = two ? panelBytes : 0;
    for (let panel = 0, row = 0; panel < work.panels; panel++) {
      const rows = panelRows(panel, work.rows, work.panels);
      const depth = visibleTo(args, task, row + rows - 1, first, count);
      addPanels(work, row, rows, depth, b, next, work.sums + (<usize>(row * width + column) << 2), <usize>width << 2);
      row += rows;
    }
    column += two ? 2 * PANEL_COLUMNS : PANEL_COLUMNS;
    b += two ? panelBytes << 1 : panelBytes;
  }
}

// @ts-ignore: decorator
@inline
function addPanels(work: Work, row: i32, rows: i32, depth: i32, b: usize, next: usize, c: usize, stride: usize): void {
  const a = work.weights + (<usize>(row * BLOCK_KEYS) << 2);
  if (next) multiplyTileWide(rows, a, b, next, depth, c, stride, a, 0);
  else multiplyTile(F32, rows, a, b, depth, c, stride, a, 0);
}

/** Turns scores into weights exp(score − maximum), laid out in row panels, and rescales the sums of earlier blocks. */
function weighBlock(args: Attention, task: Task, work: Work, first: i32, count: i32): void {
  const width = ceil8(args.headDim);
  const sources = changetype<usize>(work) + SOURCES;
  let row = 0;
  for (let panel = 0; panel < work.panels; panel++) {
    const rows = panelRows(panel, work.rows, work.panels);
    const keys = visibleTo(args, task, row + rows - 1, first, count);
    const into = work.weights + (<usize>(row * BLOCK_KEYS) << 2);
    for (let i = 0; i < rows; i++, row++) {
      const scores = work.scores + (<usize>(row * BLOCK_KEYS) << 2);
      store<usize>(sources + <usize>i * sizeof<usize>(), scores);
      const correction = softmaxRow(work, row, scores, visibleTo(args, task, row, first, count), keys);
      if (correction !== 1) rescale(work.sums + (<usize>(row * width) << 2), width, correction);
    }
    packRows(sources, rows, keys, into, <usize>rows << 2, 1);
  }
}

/** scores[0 … keys] ← exp(scores − maximum), 0 from `visible` on; returns the factor for what was summed before. */
function softmaxRow(work: Work, row: i32, scores: usize, visible: i32, keys: i32): f32 {
  const end = scores + (<usize>((keys + 3) & ~3) << 2);
  for (let at = scores + (<usize>visible << 2); at < end; at += 4) store<f32>(at, LOWEST);
  const at = <usize>row << 2;
  const before = load<f32>(work.maxima + at);
  const maximum = max(before, highest(scores, end));
  const correction: f32 = before === maximum ? 1 : exponential(before - maximum);
  const total = exponentials(scores, end, maximum);
  store<f32>(work.maxima + at, maximum);
  store<f32>(work.totals + at, load<f32>(work.totals + at) * correction + total);
  return correction;
}

function highest(from: usize, end: usize): f32 {
  let highest = f32x4.splat(LOWEST);
  for (; from < end; from += 16) highest = f32x4.pmax(highest, v128.load(from));
  return maxLanes(highest);
}

/** x ← exp(x − maximum) and returns the sum. */
function exponentials(from: usize, end: usize, maximum: f32): f32 {
  const shift = f32x4.splat(maximum);
  let sums = f32x4.splat(0);
  for (; from < end; from += 16) {
    const weights = exp(f32x4.sub(v128.load(from), shift));
    v128.store(from, weights);
    sums = f32x4.add(sums, weights);
  }
  return sumLanes(sums);
}

function exponential(x: f32): f32 {
  return f32x4.extract_lane(exp(f32x4.splat(x)), 0);
}

function rescale(sums: usize, width: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (const end = sums + (<usize>width << 2); sums < end; sums += 16) {
    v128.store(sums, f32x4.mul(v128.load(sums), factors));
  }
}

function writeOut(args: Attention, task: Task, work: Work): void {
  const heads = group(args);
  const width = ceil8(args.headDim);
  const headBytes = <usize>args.headDim << 2;
  for (let row = 0; row < work.rows; row++) {
    const token = task.queryStart + row / heads;
    const head = task.kvHead * heads + (row % heads);
    const sums = work.sums + (<usize>(row * width) << 2);
    rescale(sums, width, 1 / load<f32>(work.totals + (<usize>row << 2)));
    memory.copy(args.out + <usize>(token * args.heads + head) * headBytes, sums, headBytes);
  }
}
