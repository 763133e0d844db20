import { detectSimd, type SimdLevel } from "../../src/kernels/wasm/features.ts";

/** The builds of the kernels that this engine runs: relaxed SIMD needs Node 21 or newer. */
export const SIMD_LEVELS: readonly SimdLevel[] = detectSimd() === "relaxed" ? ["simd", "relaxed"] : ["simd"];
