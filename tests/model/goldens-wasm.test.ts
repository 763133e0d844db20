import { createBackend } from "../../src/index.ts";
import { describeGoldens, type GoldenTolerances } from "../support/goldens.ts";
import { SIMD_LEVELS } from "../support/wasm-levels.ts";

/** float32 sums: the tolerances that the goldens' README suggests for a float32 runtime. */
const f32: GoldenTolerances = { hidden: { rtol: 2e-5, atol: 1e-6 }, pooled: 5e-6, cosine: 1e-10, logits: 5e-5 };

for (const simd of SIMD_LEVELS) {
  describeGoldens(`wasm ${simd}`, () => createBackend({ kind: "wasm", threads: 2, simd }), {
    "mini-embed": f32,
    "mini-causal": f32,
    "mini-wide": f32,
    "mini-outlier": { ...f32, hidden: { rtol: 1e-4, atol: 1e-6 }, pooled: 2e-5 },
  });
}
