import { createBackend } from "../../src/index.ts";
import { describeGoldens, type GoldenTolerances } from "../support/goldens.ts";

/**
 * Measured with float64 sums in the reference: what remains is transformers' own float32 rounding (the goldens' README
 * has its size) and the rounding of activations between operations.
 */
const tight: GoldenTolerances = { hidden: { rtol: 5e-6, atol: 1e-6 }, pooled: 1e-6, cosine: 1e-12, logits: 1e-5 };

describeGoldens("reference", () => createBackend({ kind: "reference" }), {
  "mini-embed": tight,
  "mini-causal": tight,
  "mini-wide": tight,
  "mini-outlier": tight,
});
