import type { DotProduct } from "./dot-product.ts";
import { alignUp, f32Bits, type Operand, type Recorder, type Step, type Value } from "./program.ts";
import type { KernelSuffix, WasmActivation, WasmMatrix } from "./wasm-objects.ts";

/** Columns of a column panel (assembly/parts/panels.ts). */
export const PANEL_COLUMNS = 8;
/** What assembly/parts/product.ts keeps before its sums: the part's numbers and one widened block of a panel. */
const BEFORE_SUMS_BYTES = 64 + 512 * 32;
/** A tile's activations, 192 rows × 512 × 4 bytes, fit an L2 cache; a widened panel is used 32 times. */
const PANELS_PER_TILE = 32;
const COLUMNS_PER_TILE = 128;
/** Rows of the register tile of 16-bit products at most: six need more registers than x64 has (assembly/parts/tile-int.ts). */
const MOST_ROWS_I16 = 4;
/** Rows that a thread lays out at a time. */
const ROWS_PER_TILE = 32;
/** Tiles per thread, so that threads end a job at nearly the same time. */
const TILES_PER_THREAD = 12;

/** How the machine divides work. */
export interface Tuning {
  readonly threads: number;
  /** Rows of a register tile at most. */
  readonly panelRows: number;
  /** Columns of a register tile; sixteen where the engine has 256-bit registers for them (assembly/parts/tile-wide.ts). */
  readonly tileColumns: 8 | 16;
  readonly dotProduct: DotProduct;
  /** Operands of attention's scores: as they are, or rounded to eight bits as those of products are. */
  readonly scores: "F32" | DotProduct["suffix"];
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
  const panelRows = rowsOfTile(weight.suffix, tuning.panelRows);
  const count = Math.ceil(rows / panelRows);
  const layOut = weight.balance === 0 ? rowPanels : quantizedPanels;
  const panels = layOut(recorder, tuning, { x, weight, rows, count, index });
  const tile = tileSize(columns[1] - columns[0], count, unit, tuning.threads);
  return {
    args: [
      panels,
      weight.address,
      rows,
      depth,
      count,
      tile.panels,
      ...columns,
      tile.columns,
      tuning.tileColumns,
      tuning.threads,
    ],
    tiles: tile.count,
    scratchBytes: BEFORE_SUMS_BYTES + alignUp(tile.panels * panelRows * tile.columns * 4),
    panels,
  };
}

/** Rows of the register tile for operands of a kind at most. */
export function rowsOfTile(kind: KernelSuffix, panelRows: number): number {
  return kind === "I16" ? Math.min(MOST_ROWS_I16, panelRows) : panelRows;
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
function rowPanels(recorder: Recorder, tuning: Tuning, input: RowPanels): Value {
  const { rows, weight } = input;
  const panels = recorder.value(rows * weight.columns * 4);
  recorder.step({ kernel: "rowPanels", ...rowSource(panels, tuning, input) });
  return panels;
}

/** x in eight bits, as the weights expect it (assembly/quantize-rows.ts). */
function quantizedPanels(recorder: Recorder, tuning: Tuning, input: RowPanels): Value {
  const { rows, weight } = input;
  const paddedDepth = padDepth(weight.columns);
  const panels = recorder.value(rows * paddedDepth * (weight.suffix === "I16" ? 2 : 1) + rows * 4);
  const { args, ...step } = rowSource(panels, tuning, input);
  const offset = tuning.dotProduct.activationOffset === 128 ? 0x80808080 : 0;
  const own = [paddedDepth, weight.balance, offset];
  recorder.step({ kernel: `quantizeRows${weight.suffix}`, ...step, args: [...args, ...own] });
  return panels;
}

/** What both need (assembly/parts/row-source.ts). A norm before them is computed along with them. */
function rowSource(
  panels: Value,
  { threads }: Tuning,
  { x, weight, rows, count, index }: RowPanels,
): Omit<Step, "kernel"> {
  const { x: source, norm } = x.normOf ?? { x, norm: undefined };
  const perTile = Math.max(1, Math.min(ROWS_PER_TILE, Math.floor(rows / (4 * threads))));
  const normArgs = [norm?.address ?? 0, f32Bits(norm?.eps ?? 0)];
  return {
    tiles: Math.ceil(rows / perTile),
    args: [source.value, panels, rows, weight.columns, count, perTile, index ?? 0, ...normArgs],
    inputs: [source.value],
    outputs: [panels],
    scratchBytes: rowScratchBytes(weight.columns),
  };
}

/** Eight-bit values go four to a word. */
export function padDepth(depth: number): number {
  return Math.ceil(depth / 4) * 4;
}

/** One row of float32 and a vector of zeros behind it. */
export function rowScratchBytes(depth: number): number {
  return 4 * depth + 32;
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
