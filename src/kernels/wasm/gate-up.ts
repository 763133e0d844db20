import { planProduct, type Tuning } from "./product.ts";
import type { Recorder } from "./program.ts";
import { type WasmActivation, type WasmMatrix, activation } from "./wasm-objects.ts";

/** silu(gate) · up; row 2i of the weight is gate i, row 2i+1 is up i. x [T, hidden], W [2·I, hidden] → [T, I] */
export function gateUp(
  recorder: Recorder,
  tuning: Tuning,
  { x, weight }: { x: WasmActivation; weight: WasmMatrix },
): WasmActivation {
  const product = planProduct(recorder, tuning, { x, weight });
  const out = activation(recorder, x.rows, weight.rows / 2);
  recorder.step({
    kernel: `gateUp${weight.suffix}`,
    tiles: product.tiles,
    args: [...product.args, out.value, out.width],
    inputs: [product.panels],
    outputs: [out.value],
    scratchBytes: product.scratchBytes,
  });
  return out;
}
