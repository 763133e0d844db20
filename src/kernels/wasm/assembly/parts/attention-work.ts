// What one tile of attention is given, and what it works on.
// Shape letters: D head_dim, R rows of a tile, C columns of a register tile (queries side by side), P = ⌈R / C⌉ panels.

import { EXP2_BYTES, writeExp2 } from "./exp2.ts";
import { PANEL_COLUMNS } from "./panels.ts";
import { PANEL_HEAD } from "./tile-int.ts";
import { F32 } from "./widen.ts";

/**
 * Keys of a block, whole register tiles of 6 or 4 rows. Longer sequences would be 1 % faster with twice as many, but few
 * queries, whose keys are not copied, slower by an eighth: a column of values is then in more pages than are at hand.
 */
export const BLOCK_KEYS: i32 = 48;
/** Stands for −∞ before the first key; 2 to it is 0 and no difference of two is NaN. */
export const LOWEST: f32 = -1e30;

@unmanaged
export class Attention {
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
  /** D^-½ · log₂ e */
  scale: f32;
  /** Rows of a register tile at most. */
  tileRows: i32;
  /** Columns of a register tile, 8 or 16. */
  tileColumns: i32;
  /** Rows of a register tile of rounded keys at most. */
  keyRows: i32;
  /** What the engine's 8-bit dot product adds to one operand, 128 or 0. */
  activationOffset: i32;
}

@unmanaged
export class Task {
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
  /** F32, or I8 or I16 for scores from rounded queries and keys (rounded-scores.ts). */
  scores: i32;
}

/** The thread's working memory for one tile. */
@unmanaged
export class Work {
  rows: i32;
  panels: i32;
  /** Bytes of C floats, and of a panel [D, C]. */
  stride: usize;
  panelBytes: usize;
  /** The block's keys and values, rows of D, and how far apart they begin. */
  keys: usize;
  values: usize;
  keyBytes: usize;
  /** Where keys and values are copied to. */
  keyCopies: usize;
  valueCopies: usize;
  copyBytes: usize;
  /** Of one panel and block: scores, then weights [BLOCK_KEYS, C]. */
  scores: usize;
  /** [P · C] each: the running maximum of scores, and the running sum of weights. */
  maxima: usize;
  totals: usize;
  /** Panels [D, C] of q · scale; of rounded queries column panels (tile-int.ts), `queryBytes` each. */
  q: usize;
  queryBytes: usize;
  /** Panels [D, C] of weights · values. */
  sums: usize;
  /** Of exp2. */
  constants: usize;
  /** Addresses of eight rows. */
  rowAddresses: usize;
  /** Of rounded rows: D in words of four, one row before it is rounded and D ones, and the steps of the block's keys. */
  words: i32;
  rotated: usize;
  ones: usize;
  keySteps: usize;
}

/** Divides the thread's scratch memory, and begins with no keys seen. */
export function prepareWork(args: Attention, task: Task, scratch: usize): Work {
  const work = changetype<Work>(scratch);
  work.rows = task.queries * groupOf(args);
  work.panels = (work.rows + args.tileColumns - 1) / args.tileColumns;
  work.stride = <usize>args.tileColumns << 2;
  work.panelBytes = <usize>args.headDim * work.stride;
  // Not a power of two, so that a column of values is spread over the cache.
  work.copyBytes = (<usize>args.headDim << 2) + 16;
  work.constants = scratch + offsetof<Work>();
  work.rowAddresses = work.constants + EXP2_BYTES;
  work.scores = (work.rowAddresses + 8 * sizeof<usize>() + 63) & ~63;
  work.keyCopies = work.scores + <usize>BLOCK_KEYS * work.stride;
  work.valueCopies = work.keyCopies + <usize>BLOCK_KEYS * work.copyBytes;
  work.maxima = work.valueCopies + <usize>BLOCK_KEYS * work.copyBytes;
  work.totals = work.maxima + <usize>work.panels * work.stride;
  work.q = work.totals + <usize>work.panels * work.stride;
  work.words = (args.headDim + 3) >> 2;
  work.queryBytes = PANEL_HEAD + (<usize>work.words << 5);
  const columnPanels = <usize>(work.panels * (args.tileColumns / PANEL_COLUMNS));
  work.sums = work.q + (task.scores === F32 ? <usize>work.panels * work.panelBytes : columnPanels * work.queryBytes);
  const end = work.sums + <usize>work.panels * work.panelBytes;
  writeExp2(work.constants);
  fill(work.maxima, work.totals, LOWEST);
  memory.fill(work.totals, 0, end - work.totals);
  if (task.scores !== F32) prepareRounding(args, work, end);
  return work;
}

function prepareRounding(args: Attention, work: Work, at: usize): void {
  const rowBytes = (<usize>args.headDim << 2) + 32;
  work.keySteps = at;
  work.ones = at + (<usize>BLOCK_KEYS << 2);
  work.rotated = work.ones + rowBytes;
  fill(work.ones, work.rotated, 1);
  v128.store(work.rotated + ((<usize>args.headDim << 2) & ~15), i32x4.splat(0)); // read as part of the last word
}

function fill(from: usize, end: usize, value: f32): void {
  for (; from < end; from += 16) v128.store(from, f32x4.splat(value));
}

/** Query heads that share a key/value head. */
// @ts-ignore: decorator
@inline
export function groupOf(args: Attention): i32 {
  return args.heads / args.kvHeads;
}

/** Key and value row of logical key `key`, as an offset in bytes for this task's head. */
// @ts-ignore: decorator
@inline
export function keyOffset(args: Attention, task: Task, key: i32): usize {
  const row = key < task.prefixLength ? task.prefixStart + key : task.keyStart + key - task.prefixLength;
  return (<usize>(row * args.kvHeads + task.kvHead) * <usize>args.headDim) << 2;
}
