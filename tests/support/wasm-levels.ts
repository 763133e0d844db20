import { setFlagsFromString } from "node:v8";
import { detectSimd, type SimdLevel } from "../../src/kernels/wasm/features.ts";

// Node 20 has relaxed SIMD behind a flag. Its 8-bit dot product is not exact there, so that these kernels are also tested
// with the 16-bit one, as they run on x64 without VNNI.
if (detectSimd() !== "relaxed") setFlagsFromString("--experimental-wasm-relaxed-simd");

/** The builds of the kernels that this engine runs. */
export const SIMD_LEVELS: readonly SimdLevel[] = detectSimd() === "relaxed" ? ["simd", "relaxed"] : ["simd"];
