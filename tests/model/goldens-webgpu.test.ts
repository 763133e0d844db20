import { describeGoldens, type GoldenTolerances } from "../support/goldens.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

/** float32 sums; see the goldens' README for the size of transformers' own rounding. */
const float32: GoldenTolerances = { hidden: { rtol: 2e-5, atol: 1e-6 }, pooled: 5e-6, cosine: 1e-10, logits: 5e-5 };

describeGoldens("webgpu", () => webGpuTestBackend(), {
  "mini-embed": float32,
  "mini-causal": float32,
  "mini-wide": float32,
  "mini-outlier": float32,
});
