import type { Recorder } from "./program.ts";
import { type WasmActivation, activation } from "./wasm-objects.ts";

/** [T, width] → [rows.length, width] */
export function gatherRows(recorder: Recorder, x: WasmActivation, rows: Uint32Array): WasmActivation {
  const out = activation(recorder, rows.length, x.width);
  recorder.step({
    kernel: "gatherRows",
    tiles: rows.length,
    args: [x.value, rows, out.value, x.width],
    inputs: [x.value],
    outputs: [out.value],
  });
  return out;
}
