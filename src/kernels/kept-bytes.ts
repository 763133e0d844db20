import { bytesPerWeight } from "../core/dtype.ts";
import type { BackendKind, MatrixSource, MatrixUse } from "./backend.ts";

/** A backend, as far as it decides how much memory weights take. */
export interface WeightKeeper {
  readonly kind: BackendKind;
  /** Whether matrices that only products read are rounded to eight bits (wasm). */
  readonly int8: boolean;
}

/** Where a backend keeps something: in memory as JavaScript has it, in WebAssembly's, or in the GPU's. */
export type Place = "host" | "wasm" | "gpu";

export interface KeptBytes {
  readonly bytes: number;
  readonly place: Place;
}

/** What one WebAssembly memory can hold: its addresses have 32 bits. */
export const WASM_MEMORY_BYTES: number = 2 ** 32;
/**
 * Weights beyond these lie in a further memory, so that each leaves 1.5 GiB to activations: batches of some 15,000 tokens of
 * the 4B model.
 */
export const WASM_WEIGHTS_PER_MEMORY: number = 2.5 * 2 ** 30;

/** Rows of a matrix that lie together (wasm/product.ts). */
const PANEL_ROWS = 8;
/** What stands before the values of an eight-bit panel (wasm/load-quantized.ts). */
const PANEL_HEAD_BYTES = 64;
const FLOAT_BYTES = 4;

/** What a backend needs for a matrix of weights. Tests hold it against what the backends report. */
export function keptBytes(
  keeper: WeightKeeper,
  matrix: Pick<MatrixSource, "rows" | "columns" | "dtype">,
  use: MatrixUse,
): KeptBytes {
  const { rows, columns, dtype } = matrix;
  const rowBytes = columns * bytesPerWeight(dtype);
  const { kind } = keeper;
  switch (kind) {
    case "reference":
      return { bytes: rows * rowBytes, place: "host" };
    case "wasm":
      return use === "table"
        ? { bytes: rows * rowBytes, place: "host" }
        : { bytes: panelBytes(keeper, matrix, use), place: "wasm" };
    case "webgpu":
      return { bytes: rows * roundUp(columns, 4) * bytesPerWeight(dtype), place: use === "table" ? "host" : "gpu" };
    default:
      return kind satisfies never;
  }
}

/** The same for the float32 weight of a norm. */
export function keptNormBytes({ kind }: WeightKeeper, width: number): KeptBytes {
  if (kind === "webgpu") return { bytes: roundUp(width, 4) * FLOAT_BYTES, place: "gpu" };
  return { bytes: width * FLOAT_BYTES, place: kind === "wasm" ? "wasm" : "host" };
}

/** Products read WebAssembly's weights in panels of rows. */
function panelBytes(
  { int8 }: WeightKeeper,
  { rows, columns, dtype }: Pick<MatrixSource, "rows" | "columns" | "dtype">,
  use: MatrixUse,
): number {
  const panels = Math.ceil(rows / PANEL_ROWS);
  if (!int8 || use !== "product") return panels * PANEL_ROWS * columns * bytesPerWeight(dtype);
  return panels * (PANEL_HEAD_BYTES + PANEL_ROWS * roundUp(columns, 4)) + columns * FLOAT_BYTES;
}

function roundUp(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit;
}
