import type { Recorder } from "./program.ts";
import type { WasmActivation } from "./wasm-objects.ts";

/** Writes row t of x `[T, width]` to slot `slots[t]` of one layer's keys or values, which begin at `address`. */
export function storeInCache(recorder: Recorder, x: WasmActivation, slots: Uint32Array, address: number): void {
  recorder.step({
    kernel: "scatterRows",
    tiles: x.rows,
    args: [x.value, slots, address, x.width],
    inputs: [x.value],
    outputs: [],
  });
}
