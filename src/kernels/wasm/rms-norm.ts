import { f32Bits, type Recorder } from "./program.ts";
import { type WasmActivation, type WasmNorm, activation } from "./wasm-objects.ts";

/** Rows that one thread takes at a time: enough to make taking them cheap. */
const ROWS_PER_TILE = 8;

/** x · rsqrt(mean(x²) + eps) · weight, per row. [T, width] → [T, width] */
export function rmsNorm(recorder: Recorder, x: WasmActivation, norm: WasmNorm): WasmActivation {
  const out = activation(recorder, x.rows, x.width);
  recorder.step({
    kernel: "rmsNorm",
    tiles: Math.ceil(x.rows / ROWS_PER_TILE),
    args: [x.value, norm.address, out.value, x.rows, x.width, f32Bits(norm.eps), ROWS_PER_TILE],
    inputs: [x.value],
    outputs: [out.value],
  });
  out.normOf = { x, norm };
  return out;
}
