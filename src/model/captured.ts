import type { Activation } from "../kernels/backend.ts";
import type { Tensor } from "./tensor.ts";

/** An intermediate asked for: what to read back, and how to shape it. T tokens, H heads, D head_dim. */
export interface Captured {
  readonly sources: readonly Activation[];
  readonly toTensor: (data: readonly Float32Array[]) => Tensor;
}
