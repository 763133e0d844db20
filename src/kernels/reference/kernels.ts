import { attention } from "./attention.ts";
import { embed } from "./embed.ts";
import { gateUp } from "./gate-up.ts";
import { gatherRows } from "./gather-rows.ts";
import { linear } from "./linear.ts";
import { normalize } from "./normalize.ts";
import { qkv } from "./qkv.ts";
import { rmsNorm } from "./rms-norm.ts";
import { topK } from "./top-k.ts";

/** One function per operation of the contract; any of them can be replaced when the backend is made. */
export interface ReferenceKernels {
  readonly embed: typeof embed;
  readonly rmsNorm: typeof rmsNorm;
  readonly qkv: typeof qkv;
  readonly attention: typeof attention;
  readonly linear: typeof linear;
  readonly gateUp: typeof gateUp;
  readonly gatherRows: typeof gatherRows;
  readonly normalize: typeof normalize;
  readonly topK: typeof topK;
}

export const referenceKernels: ReferenceKernels = {
  embed,
  rmsNorm,
  qkv,
  attention,
  linear,
  gateUp,
  gatherRows,
  normalize,
  topK,
};
