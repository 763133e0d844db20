import { createBackend } from "../../../src/index.ts";
import { describeOps } from "../../support/op-suite.ts";
import { SIMD_LEVELS } from "../../support/wasm-levels.ts";

for (const simd of SIMD_LEVELS) {
  describeOps(`wasm ${simd}`, () => createBackend({ kind: "wasm", threads: 2, simd }), { rtol: 2e-5, atol: 1e-6 });
}
