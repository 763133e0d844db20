import type { QkvOptions, QkvResult } from "../backend.ts";
import { gatherRows } from "./gather-rows.ts";
import { PANEL_COLUMNS, planProduct, type Tuning } from "./product.ts";
import { f32Bits, type Recorder, Resident } from "./program.ts";
import { type WasmActivation, type WasmMatrix, type WasmNorm, activation } from "./wasm-objects.ts";

export interface WasmQkvInput {
  readonly x: WasmActivation;
  readonly qkvProj: WasmMatrix;
  readonly qNorm: WasmNorm;
  readonly kNorm: WasmNorm;
  readonly heads: number;
  readonly kvHeads: number;
}

interface WasmQkv extends QkvResult {
  readonly q: WasmActivation;
  readonly k: WasmActivation;
  readonly v: WasmActivation;
}

/**
 * One product for all three, then Qwen3's per-head norm of q and k, then RoPE. x [T, hidden] → q [Q, H·D], k, v [T, KV·D].
 * Where only some queries are wanted it is two products: keys and values of all rows, queries of those.
 */
export function qkv(recorder: Recorder, tuning: Tuning, input: WasmQkvInput, options: QkvOptions): WasmQkv {
  const { x, qkvProj, heads, kvHeads, qNorm } = input;
  const { queryRows, positions } = options;
  const queryWidth = heads * qNorm.width;
  const kvWidth = kvHeads * qNorm.width;
  const out = {
    q: activation(recorder, x.rows, queryWidth),
    k: activation(recorder, x.rows, kvWidth),
    v: activation(recorder, x.rows, kvWidth),
  };
  if (!queryRows) {
    project(recorder, tuning, input, options, { ...out, positions, columns: [0, qkvProj.rows] });
    return out;
  }
  if (queryWidth % columnUnit(qNorm.width) !== 0) {
    // Queries and keys share a column panel: the product cannot be cut between them.
    project(recorder, tuning, input, options, { ...out, positions, columns: [0, qkvProj.rows] });
    return { ...out, q: gatherRows(recorder, out.q, queryRows) };
  }
  const q = activation(recorder, queryRows.length, queryWidth);
  project(recorder, tuning, input, options, { ...out, q, positions, columns: [queryWidth, qkvProj.rows] });
  const queryPositions = queryRows.map((row) => positions[row] as number);
  const columns = [0, queryWidth] as const;
  project(recorder, tuning, input, options, { ...out, q, positions: queryPositions, columns, index: queryRows });
  return { ...out, q };
}

interface Projection extends WasmQkv {
  readonly positions: Uint32Array;
  readonly columns: readonly [start: number, end: number];
  readonly index?: Uint32Array;
}

/** Computes the heads whose columns are wanted. */
function project(
  recorder: Recorder,
  tuning: Tuning,
  { x, qkvProj, qNorm, kNorm, heads, kvHeads }: WasmQkvInput,
  { rotary, rotate = true }: QkvOptions,
  { q, k, v, positions, columns, index }: Projection,
): void {
  const unit = columnUnit(qNorm.width);
  const product = planProduct(recorder, tuning, { x, weight: qkvProj, columns, unit, ...(index && { index }) });
  const norms = [qNorm.address, kNorm.address, f32Bits(qNorm.eps), f32Bits(kNorm.eps)];
  const tables = rotate ? [new Resident(rotary.cos), new Resident(rotary.sin)] : [0, 0];
  const written = [
    ...(columns[0] === 0 ? [q.value] : []),
    ...(columns[1] > heads * qNorm.width ? [k.value, v.value] : []),
  ];
  const [qOut, kOut, vOut] = [q, k, v].map(({ value }) => (written.includes(value) ? value : 0));
  recorder.step({
    kernel: `qkv${qkvProj.suffix}`,
    tiles: product.tiles,
    args: [
      ...product.args,
      qOut ?? 0,
      kOut ?? 0,
      vOut ?? 0,
      ...norms,
      heads,
      kvHeads,
      qNorm.width,
      positions,
      ...tables,
    ],
    inputs: [product.panels],
    outputs: written,
    scratchBytes: product.scratchBytes,
  });
}

/** The fewest columns that are whole heads and whole column panels. */
function columnUnit(headDim: number): number {
  let unit = headDim;
  while (unit % PANEL_COLUMNS !== 0) unit += headDim;
  return unit;
}
