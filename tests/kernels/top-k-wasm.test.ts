import { createBackend } from "../../src/index.ts";
import { describeTopK } from "../support/top-k.ts";
import { SIMD_LEVELS } from "../support/wasm-levels.ts";

for (const simd of SIMD_LEVELS) describeTopK(`wasm ${simd}`, () => createBackend({ kind: "wasm", threads: 2, simd }));
