import { bytesPerWeight } from "../../core/dtype.ts";
import type { MatrixSource } from "../backend.ts";
import type { DotProduct } from "./dot-product.ts";
import type { Bank } from "./bank.ts";
import { padDepth, PANEL_COLUMNS, rowScratchBytes } from "./product.ts";
import { Recorder } from "./program.ts";
import { WasmMatrix, WEIGHT_TYPES } from "./wasm-objects.ts";

/** Steps and offsets before the values of a panel (assembly/parts/tile-int.ts). */
const PANEL_HEAD_BYTES = 64;
/** Columns of one tile of balanceWeights. */
const BALANCE_COLUMNS = 32;

/** Reads a matrix, rounds it to eight bits and drops what was read: never more than one matrix in both forms. */
export async function loadQuantized(bank: Bank, dotProduct: DotProduct, source: MatrixSource): Promise<WasmMatrix> {
  const { name, rows, columns, dtype } = source;
  const { heap, executor } = bank;
  const panels = Math.ceil(rows / PANEL_COLUMNS);
  const byteLength = panels * panelBytes(columns);
  const address = heap.allocate(byteLength, name);
  const balance = heap.allocate(columns * 4, name);
  const storedBytes = rows * columns * bytesPerWeight(dtype);
  const stored = heap.allocate(storedBytes, `reading ${name}`);
  try {
    await source.readRows(0, rows, heap.bytesAt(stored, storedBytes));
    const recorder = new Recorder();
    const args = [stored, address, rows, columns, padDepth(columns), balance, WEIGHT_TYPES[dtype]];
    const common = { args: [...args, dotProduct.activationOffset], inputs: [], outputs: [] };
    const scratchBytes = 2 * rowScratchBytes(columns); // a row and what it is multiplied with
    const balanceTiles = Math.ceil(columns / BALANCE_COLUMNS);
    recorder.step({ kernel: "balanceWeights", tiles: balanceTiles, scratchBytes: 4 * BALANCE_COLUMNS, ...common });
    recorder.step({ kernel: "quantizeWeights", tiles: panels, scratchBytes, ...common });
    await executor.run(recorder);
  } catch (error) {
    heap.free(address);
    heap.free(balance);
    throw error;
  } finally {
    heap.free(stored);
  }
  return new WasmMatrix({
    name,
    rows,
    columns,
    suffix: dotProduct.suffix,
    address: bank.globalAddress(address),
    byteLength: byteLength + columns * 4,
    balance: bank.globalAddress(balance),
  });
}

/** Bytes that loadQuantized will keep. */
export function quantizedBytes({ rows, columns }: MatrixSource): number {
  return Math.ceil(rows / PANEL_COLUMNS) * panelBytes(columns) + columns * 4;
}

function panelBytes(columns: number): number {
  return PANEL_HEAD_BYTES + padDepth(columns) * PANEL_COLUMNS;
}
