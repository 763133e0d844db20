import type { Recorder } from "./program.ts";
import { type WasmActivation, type WasmMatrix, activation } from "./wasm-objects.ts";

/** Looks up one row per token. table [vocab, hidden], ids [T] → [T, hidden] */
export function embed(recorder: Recorder, table: WasmMatrix, ids: Uint32Array): WasmActivation {
  const out = activation(recorder, ids.length, table.columns);
  recorder.step({
    kernel: `embed${table.suffix}`,
    tiles: ids.length,
    args: [table.address, ids, out.value, table.columns, table.layout === "panels" ? 1 : 0],
    inputs: [],
    outputs: [out.value],
  });
  return out;
}
