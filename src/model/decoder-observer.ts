import type { Activation } from "../kernels/backend.ts";
import type { LayerScene } from "./layer-captures.ts";

/** Sees every step of a run as it is recorded. */
export interface DecoderObserver {
  embedded(x: Activation): void;
  layer(n: number, scene: LayerScene): void;
  normed(x: Activation): void;
}
