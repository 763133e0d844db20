import { planProduct, type Tuning } from "./product.ts";
import type { Recorder } from "./program.ts";
import { type WasmActivation, type WasmMatrix, activation } from "./wasm-objects.ts";

/** x · Wᵀ (+ residual). x [T, columns], W [rows, columns] → [T, rows] */
export function linear(
  recorder: Recorder,
  tuning: Tuning,
  { x, weight, residual }: { x: WasmActivation; weight: WasmMatrix; residual?: WasmActivation },
): WasmActivation {
  const product = planProduct(recorder, tuning, { x, weight });
  const out = activation(recorder, x.rows, weight.rows);
  recorder.step({
    kernel: `linear${weight.suffix}`,
    tiles: product.tiles,
    args: [...product.args, out.value, residual?.value ?? 0, out.width],
    inputs: residual ? [product.panels, residual.value] : [product.panels],
    outputs: [out.value],
    scratchBytes: product.scratchBytes,
  });
  return out;
}
