import type { DotProduct } from "./dot-product.ts";
import { alignUp, type Operand, type Recorder, type Value } from "./program.ts";
import type { WasmActivation, WasmMatrix } from "./wasm-objects.ts";

/** Columns of a column panel (assembly/parts/panels.ts). */
export const PANEL_COLUMNS = 8;
/** What assembly/parts/product.ts keeps before its sums: the part's numbers and one widened block of a panel. */
const BEFORE_SUMS_BYTES = 64 + 512 * 32;
/** A tile's activations, 192 rows × 512 × 4 bytes, fit an L2 cache; a widened panel is used 32 times. */
const PANELS_PER_TILE = 32;
const COLUMNS_PER_TILE = 128;
/** Tiles per thread, so that threads end a job at nearly the same time. */
const TILES_PER_THREAD = 6;

/** How the machine divides work. */
export interface Tuning {
  readonly threads: number;
  /** Rows of a register tile at most. */
  readonly panelRows: number;
  readonly dotProduct: DotProduct;
}

/** A product ready to be given its epilogue: the first arguments of every product kernel (assembly/parts/product.ts). */
export interface Product {
  readonly args: readonly Operand[];
  readonly tiles: number;
  readonly scratchBytes: number;
  readonly panels: Value;
}

export interface ProductOptions {
  /** Columns wanted, a multiple of 8 to start at. @default all */
  readonly columns?: readonly [start: number, end: number];
  /** Columns that one tile must hold together, a multiple of 8. @default 8 */
  readonly unit?: number;
  /** Rows of x, if not all of them. */
  readonly index?: Uint32Array;
}

/** Lays x out in row panels and divides x · Wᵀ into tiles. */
export function planProduct(
  recorder: Recorder,
  tuning: Tuning,
  { x, weight, columns = [0, weight.rows], unit = PANEL_COLUMNS, index }: ProductInput,
): Product {
  const rows = index?.length ?? x.rows;
  const depth = weight.columns;
  const count = Math.ceil(rows / tuning.panelRows);
  const layOut = weight.balance === 0 ? rowPanels : quantizedPanels;
  const panels = layOut(recorder, tuning, { x, weight, rows, count, index });
  const tile = tileSize(columns[1] - columns[0], count, unit, tuning.threads);
  return {
    args: [panels, weight.address, rows, depth, count, tile.panels, ...columns, tile.columns],
    tiles: tile.count,
    scratchBytes: BEFORE_SUMS_BYTES + alignUp(tile.panels * tuning.panelRows * tile.columns * 4),
    panels,
  };
}

export interface ProductInput extends ProductOptions {
  readonly x: WasmActivation;
  readonly weight: WasmMatrix;
}

interface RowPanels {
  readonly x: WasmActivation;
  readonly weight: WasmMatrix;
  readonly rows: number;
  readonly count: number;
  readonly index: Uint32Array | undefined;
}

/** x as it is, side by side. */
function rowPanels(recorder: Recorder, { threads }: Tuning, { x, weight, rows, count, index }: RowPanels): Value {
  const panels = recorder.value(rows * weight.columns * 4);
  const perTile = panelsPerTile(count, threads);
  recorder.step({
    kernel: "rowPanels",
    tiles: Math.ceil(count / perTile),
    args: [x.value, panels, rows, weight.columns, count, perTile, index ?? 0],
    inputs: [x.value],
    outputs: [panels],
  });
  return panels;
}

/** x in eight bits, as the weights expect it (assembly/quantize-rows.ts). */
function quantizedPanels(recorder: Recorder, tuning: Tuning, { x, weight, rows, count, index }: RowPanels): Value {
  const { threads, dotProduct } = tuning;
  const depth = weight.columns;
  const paddedDepth = padDepth(depth);
  const panels = recorder.value(rows * paddedDepth * (weight.suffix === "I16" ? 2 : 1) + rows * 4);
  const perTile = panelsPerTile(count, threads);
  const offset = dotProduct.activationOffset === 128 ? 0x80808080 : 0;
  recorder.step({
    kernel: `quantizeRows${weight.suffix}`,
    tiles: Math.ceil(count / perTile),
    args: [x.value, panels, rows, depth, paddedDepth, count, perTile, index ?? 0, weight.balance, offset],
    inputs: [x.value],
    outputs: [panels],
    scratchBytes: quantizeScratchBytes(depth),
  });
  return panels;
}

/** Eight-bit values go four to a word. */
export function padDepth(depth: number): number {
  return Math.ceil(depth / 4) * 4;
}

/** One row of float32 and a vector of zeros behind it. */
export function quantizeScratchBytes(depth: number): number {
  return 4 * depth + 32;
}

function panelsPerTile(count: number, threads: number): number {
  return Math.max(1, Math.min(8, Math.floor(count / (2 * threads))));
}

/** As large as caches like, then smaller until every thread has several. */
function tileSize(columns: number, panels: number, unit: number, threads: number): TileSize {
  let size = countTiles(columns, panels, Math.min(panels, PANELS_PER_TILE), roundUp(COLUMNS_PER_TILE, unit));
  while (size.count < TILES_PER_THREAD * threads && size.columns > unit) {
    size = countTiles(columns, panels, size.panels, roundUp(size.columns / 2, unit));
  }
  while (size.count < TILES_PER_THREAD * threads && size.panels > 1) {
    size = countTiles(columns, panels, Math.ceil(size.panels / 2), size.columns);
  }
  return size;
}

interface TileSize {
  readonly panels: number;
  readonly columns: number;
  readonly count: number;
}

function countTiles(columns: number, panels: number, tilePanels: number, tileColumns: number): TileSize {
  const count = Math.ceil(panels / tilePanels) * Math.ceil(columns / tileColumns);
  return { panels: tilePanels, columns: tileColumns, count };
}

function roundUp(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit;
}
