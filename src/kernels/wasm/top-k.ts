import type { Recorder } from "./program.ts";
import { type WasmActivation, activation } from "./wasm-objects.ts";

/** The k largest values of each row, their columns, log Σ exp. [T, width] → [T, 2·k + 1] */
export function topK(recorder: Recorder, x: WasmActivation, k: number): WasmActivation {
  const out = activation(recorder, x.rows, 2 * k + 1);
  recorder.step({
    kernel: "topK",
    tiles: x.rows,
    args: [x.value, out.value, x.width, k],
    inputs: [x.value],
    outputs: [out.value],
  });
  return out;
}
