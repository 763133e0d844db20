import type { Norm } from "../backend.ts";

/** An RMSNorm's weight `[width]` in JavaScript memory. */
export interface HostNorm extends Norm {
  readonly weight: Float32Array;
}
