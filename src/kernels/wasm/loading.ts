import type { WasmMatrix } from "./wasm-objects.ts";

/** A matrix that has been read, and a promise of its being laid out or rounded. */
export interface Loading {
  readonly matrix: WasmMatrix;
  readonly done: Promise<unknown>;
}
