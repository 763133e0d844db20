import type { Recorder } from "./program.ts";
import { type WasmActivation, activation } from "./wasm-objects.ts";

/** The first `dimensions` columns, divided by their L2 norm. [T, width] → [T, dimensions] */
export function normalize(recorder: Recorder, x: WasmActivation, dimensions: number): WasmActivation {
  const out = activation(recorder, x.rows, dimensions);
  recorder.step({
    kernel: "normalize",
    tiles: x.rows,
    args: [x.value, out.value, x.width, dimensions],
    inputs: [x.value],
    outputs: [out.value],
  });
  return out;
}
