// Every product of activations with a weight matrix: x [rows, depth] · Wᵀ, W [columns, depth].
// One tile of the job is a range of row panels by a range of columns; its sums go to this thread's scratch memory, where
// the operation that asked for them (linear, gateUp, qkv) finishes them.

import { PANEL_COLUMNS, panelRows, panelStart } from "./panels.ts";
import { multiplyRow, multiplyTile, stepBytes } from "./tile.ts";
import { multiplyTileWide, multiplyTileWideI8 } from "./tile-wide.ts";
import { I8, PANEL_HEAD, activationBytes, multiplyRowI8, multiplyTileInt } from "./tile-int.ts";
import { F32, widenPanel } from "./widen.ts";

/** Depth of a cache block: 512 × 8 float32 of weights (16 KiB) and 512 × 6 of activations (12 KiB) share the L1 cache. */
const BLOCK_DEPTH: i32 = 512;
/** The same with sixteen columns of weights. */
const WIDE_BLOCK_DEPTH: i32 = 256;
/** From this many row panels on, widening a weight panel once to memory is cheaper than in every register tile. */
const WIDEN_FROM_PANELS: i32 = 3;

@unmanaged
export class Product {
  /** Row panels of x. */
  x: usize;
  /** Column panels of W. */
  weights: usize;
  rows: i32;
  depth: i32;
  /** Row panels in all, and in one tile. */
  panels: i32;
  panelsPerTile: i32;
  /** The columns wanted, [columnStart, columnEnd), columnStart a multiple of 8. */
  columnStart: i32;
  columnEnd: i32;
  /** Columns of one tile, a multiple of 8. */
  columnsPerTile: i32;
  /** Columns of a register tile, 8 or 16 (tile-wide.ts). */
  tileColumns: i32;
  /** Tiles from one that a thread has to the one it will probably get next. */
  tilesAhead: i32;
}

/** The part of the product that one tile computes. Lives at the start of a thread's scratch memory. */
@unmanaged
export class Part {
  firstPanel: i32;
  panels: i32;
  /** Rows of x. */
  firstRow: i32;
  rows: i32;
  firstColumn: i32;
  columns: i32;
  /** float32 [rows, columnsPerTile]. */
  sums: usize;
  /** Bytes of a row of `sums`. */
  stride: usize;
  /** What is read after the part's last panel. */
  after: usize;
  /** Of the weights under way: where those after them begin, and how far apart bytes are loaded to fetch them (tile.ts). */
  ahead: usize;
  aheadStep: usize;
}

/** Bytes of Part, rounded up to a cache line; then one widened block of a panel; then the sums. */
const PART_BYTES: usize = 64;
const WIDENED_BYTES: usize = <usize>BLOCK_DEPTH * 32;

function partOf(p: Product, tile: i32, scratch: usize): Part {
  const part = changetype<Part>(scratch);
  const rowTiles = (p.panels + p.panelsPerTile - 1) / p.panelsPerTile;
  part.firstPanel = (tile % rowTiles) * p.panelsPerTile;
  part.panels = min(p.panelsPerTile, p.panels - part.firstPanel);
  part.firstRow = panelStart(part.firstPanel, p.rows, p.panels);
  part.rows = panelStart(part.firstPanel + part.panels, p.rows, p.panels) - part.firstRow;
  part.firstColumn = p.columnStart + (tile / rowTiles) * p.columnsPerTile;
  part.columns = min(p.columnsPerTile, p.columnEnd - part.firstColumn);
  part.sums = scratch + PART_BYTES + WIDENED_BYTES;
  part.stride = <usize>p.columnsPerTile << 2;
  return part;
}

/** Computes the sums of one tile with weights of type TYPE, a constant. */
// @ts-ignore: decorator
@inline
export function multiply(TYPE: i32, p: Product, tile: i32, scratch: usize): Part {
  const part = partOf(p, tile, scratch);
  if (TYPE >= I8) {
    multiplyIntegers(TYPE, p, part);
    return part;
  }
  memory.fill(part.sums, 0, <usize>part.rows * part.stride);
  const panelBytes = <usize>p.depth * stepBytes(TYPE);
  const weights = p.weights + <usize>(part.firstColumn / PANEL_COLUMNS) * panelBytes;
  const blockDepth = p.tileColumns === 16 ? WIDE_BLOCK_DEPTH : BLOCK_DEPTH;
  for (let start = 0; start < p.depth; start += blockDepth) {
    const depth = min(blockDepth, p.depth - start);
    const end = start + depth;
    part.after = end < p.depth ? weights + <usize>end * stepBytes(TYPE) : nextTile(p, part, weights, panelBytes);
    const block = weights + <usize>start * stepBytes(TYPE);
    if (TYPE !== F32 && part.panels >= WIDEN_FROM_PANELS) {
      multiplyWidened(TYPE, p, part, block, panelBytes, start, depth, scratch + PART_BYTES);
    } else {
      multiplyStored(TYPE, p, part, block, panelBytes, start, depth);
    }
  }
  return part;
}

/**
 * Spreads fetching the `bytes` of weights that come next, those at `from` up to the part's last column, over the register tiles
 * of the ones before them, `steps` in each. A query of 16 tokens takes 75 → 66 ms with eight-bit weights, 237 → 222 with bf16.
 */
// @ts-ignore: decorator
@inline
function lookAhead(part: Part, column: i32, from: usize, bytes: usize, steps: i32): void {
  part.ahead = column < part.columns ? from : part.after;
  part.aheadStep = part.ahead !== part.sums ? bytes / <usize>(part.panels * steps) : 0;
}

/**
 * The weights of the tile that the thread will probably get next, where those of this one are at `weights`; else the sums, which are
 * at hand. A query of 16 tokens takes 5 % less in bf16, whose parts have several blocks, in eight bits half of that.
 */
// @ts-ignore: decorator
@inline
function nextTile(p: Product, part: Part, weights: usize, panelBytes: usize): usize {
  const columns = p.tilesAhead * p.columnsPerTile;
  // With many rows, weights are used again and again, and the next tile may well have the same.
  if (p.panelsPerTile < p.panels || part.firstColumn + columns >= p.columnEnd) return part.sums;
  return weights + <usize>(columns / PANEL_COLUMNS) * panelBytes;
}

/** sums += x[:, start … start + depth] · the same block of the part's weight panels, which begin at `block`. */
// @ts-ignore: decorator
@inline
function multiplyStored(TYPE: i32, p: Product, part: Part, block: usize, panelBytes: usize, start: i32, depth: i32): void {
  let column = 0;
  if (part.rows === 1) {
    const a = p.x + ((<usize>part.firstRow * p.depth + start) << 2);
    for (; column + 32 <= part.columns; column += 32, block += 4 * panelBytes) {
      multiplyRow(TYPE, a, block, panelBytes, depth, part.sums + (<usize>column << 2));
    }
  }
  const bytes = <usize>depth * stepBytes(TYPE);
  if (TYPE === F32 && p.tileColumns === 16) {
    for (; column + 16 <= part.columns; column += 16, block += panelBytes << 1) {
      lookAhead(part, column + 16, block + (panelBytes << 1), bytes, depth);
      multiplyTwoPanels(p, part, block, panelBytes, start, depth, column);
    }
  }
  for (; column < part.columns; column += PANEL_COLUMNS, block += panelBytes) {
    lookAhead(part, column + PANEL_COLUMNS, block + panelBytes, bytes, depth);
    multiplyPanel(TYPE, p, part, block, start, depth, column);
  }
}

/** As multiplyStored, by way of a float32 copy of each panel's block. */
// @ts-ignore: decorator
@inline
function multiplyWidened(
  TYPE: i32, p: Product, part: Part, block: usize, panelBytes: usize, start: i32, depth: i32, widened: usize,
): void {
  let column = 0;
  if (p.tileColumns === 16) {
    const next = <usize>depth << 5;
    for (; column + 16 <= part.columns; column += 16, block += panelBytes << 1) {
      widenPanel(TYPE, block, widened, depth);
      widenPanel(TYPE, block + panelBytes, widened + next, depth);
      lookAhead(part, column + 16, block + (panelBytes << 1), <usize>depth * stepBytes(TYPE), depth);
      multiplyTwoPanels(p, part, widened, next, start, depth, column);
    }
  }
  for (; column < part.columns; column += PANEL_COLUMNS, block += panelBytes) {
    widenPanel(TYPE, block, widened, depth);
    lookAhead(part, column + PANEL_COLUMNS, block + panelBytes, <usize>depth * stepBytes(TYPE), depth);
    multiplyPanel(F32, p, part, widened, start, depth, column);
  }
}

/** sums[:, column … column + 8] += x[:, start … start + depth] · one panel's block. */
// @ts-ignore: decorator
@inline
function multiplyPanel(TYPE: i32, p: Product, part: Part, block: usize, start: i32, depth: i32, column: i32): void {
  let sums = part.sums + (<usize>column << 2);
  let row = part.firstRow, ahead = part.ahead;
  for (let panel = part.firstPanel, end = part.firstPanel + part.panels; panel < end; panel++) {
    const rows = panelRows(panel, p.rows, p.panels);
    const a = p.x + ((<usize>row * p.depth + <usize>start * rows) << 2);
    multiplyTile(TYPE, rows, a, block, depth, sums, part.stride, ahead, part.aheadStep);
    sums += <usize>rows * part.stride;
    row += rows;
    ahead += <usize>depth * part.aheadStep;
  }
}

/** As multiplyPanel, with the float32 panel `next` bytes after `block` too. */
function multiplyTwoPanels(p: Product, part: Part, block: usize, next: usize, start: i32, depth: i32, column: i32): void {
  let sums = part.sums + (<usize>column << 2);
  let row = part.firstRow, ahead = part.ahead;
  for (let panel = part.firstPanel, end = part.firstPanel + part.panels; panel < end; panel++) {
    const rows = panelRows(panel, p.rows, p.panels);
    const a = p.x + ((<usize>row * p.depth + <usize>start * rows) << 2);
    multiplyTileWide(rows, a, block, next, depth, sums, part.stride, ahead, part.aheadStep);
    sums += <usize>rows * part.stride;
    row += rows;
    ahead += <usize>depth * part.aheadStep;
  }
}

/** One row by as many eight-bit panels as go four at a time. @returns their columns */
function multiplyOneRow(p: Product, part: Part, b: usize, panelBytes: usize, words: i32): i32 {
  const rowBytes = <usize>(words << 2);
  const a = p.x + <usize>part.firstRow * rowBytes;
  const aStep = p.x + <usize>p.rows * rowBytes + (<usize>part.firstRow << 2);
  let column = 0;
  for (; column + 32 <= part.columns; column += 32, b += panelBytes << 2) {
    multiplyRowI8(a, aStep, b, panelBytes, words, part.sums + (<usize>column << 2));
  }
  return column;
}

/** As multiply, with eight-bit weights: whole depths at once, since the sums of a tile stay in registers as integers. */
// @ts-ignore: decorator
@inline
function multiplyIntegers(TYPE: i32, p: Product, part: Part): void {
  const words = (p.depth + 3) >> 2;
  const rowBytes = <usize>(words << 2) * activationBytes(TYPE);
  const steps = p.x + <usize>p.rows * rowBytes;
  const panelBytes = PANEL_HEAD + (<usize>words << 5);
  const wide = TYPE === I8 && p.tileColumns === 16;
  let b = p.weights + <usize>(part.firstColumn / PANEL_COLUMNS) * panelBytes;
  part.after = nextTile(p, part, b, panelBytes);
  let column = TYPE === I8 && part.rows === 1 ? multiplyOneRow(p, part, b, panelBytes, words) : 0;
  b += <usize>(column / PANEL_COLUMNS) * panelBytes;
  while (column < part.columns) {
    const two = wide && column + 16 <= part.columns;
    const next = column + (two ? 16 : 8), nextB = b + (two ? panelBytes << 1 : panelBytes);
    lookAhead(part, next, nextB, panelBytes, words);
    let sums = part.sums + (<usize>column << 2);
    let row = part.firstRow, ahead = part.ahead;
    for (let panel = part.firstPanel, end = part.firstPanel + part.panels; panel < end; panel++) {
      const rows = panelRows(panel, p.rows, p.panels);
      const a = p.x + <usize>row * rowBytes, aSteps = steps + (<usize>row << 2);
      if (two) multiplyTileWideI8(rows, a, aSteps, b, panelBytes, words, sums, part.stride);
      else multiplyTileInt(TYPE, rows, a, aSteps, b, words, sums, part.stride, ahead, part.aheadStep);
      sums += <usize>rows * part.stride;
      row += rows;
      ahead += <usize>words * part.aheadStep;
    }
    column = next;
    b = nextB;
  }
}
