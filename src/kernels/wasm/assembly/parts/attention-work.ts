// What one tile of attention is given, and what it works on.
// Shape letters: D head_dim, R rows of a tile, C columns of a register tile (queries side by side), P = ⌈R / C⌉ panels.

import { EXP2_BYTES, writeExp2 } from "./exp2.ts";

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
  /** Panels [D, C] of q · scale and of weights · values. */
  q: usize;
  sums: usize;
  /** Of exp2. */
  constants: usize;
  /** Addresses of eight rows. */
  rowAddresses: usize;
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
  work.sums = work.q + <usize>work.panels * work.panelBytes;
  writeExp2(work.constants);
  for (let at = work.maxima; at < work.totals; at += 16) v128.store(at, f32x4.splat(LOWEST));
  memory.fill(work.totals, 0, <usize>work.panels * (work.stride + 2 * work.panelBytes));
  return work;
}

/** Query heads that share a key/value head. */
// @ts-ignore: decorator
@inline
export function groupOf(args: Attention): i32 {
  return args.heads / args.kvHeads;
}
