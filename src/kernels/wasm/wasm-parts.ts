import { Qwen3Error } from "../../core/errors.ts";
import type { DeviceInfo } from "../backend.ts";
import { WASM_WEIGHTS_PER_MEMORY } from "../kept-bytes.ts";
import { detectDotProduct, EXACT_DOT_PRODUCT } from "./dot-product.ts";
import { detectSimd, type SimdLevel } from "./features.ts";
import { compileKernels, type KernelTable } from "./modules.ts";
import type { Tuning } from "./product.ts";
import { openQuantizedCache, type QuantizedCache } from "./quantized-cache.ts";
import { canRevectorize, compileRevectorized } from "./revectorize.ts";
import type { WasmBackendOptions } from "./wasm-options.ts";

/** What a wasm backend is made of, chosen by what this engine can. */
export interface WasmParts {
  readonly level: SimdLevel;
  readonly kernels: KernelTable;
  readonly tuning: Tuning;
  readonly weights: "stored" | "int8";
  readonly weightsPerMemory: number;
  readonly revectorized: boolean;
  readonly quantizedCache: QuantizedCache | undefined;
}

/** Rows of the register tile, by measurement: with separate multiply and add, six rows need more registers than x64 has. */
const PANEL_ROWS = { simd: 4, relaxed: 6 } as const satisfies Record<SimdLevel, number>;

const SIMD_NAMES = { simd: "SIMD", relaxed: "relaxed SIMD" } as const satisfies Record<SimdLevel, string>;

/** @throws Qwen3Error `device` if the engine lacks what the kernels need */
export async function openParts(threads: number, options: WasmBackendOptions): Promise<WasmParts> {
  const level = options.simd ?? detectSimd();
  if (!level) {
    throw new Qwen3Error("device", 'this JavaScript engine has no WebAssembly SIMD; use device "reference"');
  }
  const { weights = "stored", weightsPerMemory = WASM_WEIGHTS_PER_MEMORY, tileColumns = 8 } = options;
  const dotProduct = weights === "int8" ? await detectDotProduct(level) : EXACT_DOT_PRODUCT;
  const scores = weights === "int8" ? dotProduct.suffix : "F32";
  const { kernels = {}, quantizedCache = process.env["QWEN3_QUANTIZED_CACHE"] !== "0" } = options;
  // What another kernel rounds is not what the cache's names stand for.
  const keeps = quantizedCache && weights === "int8" && kernels["quantize-weights"] === undefined;
  return {
    level,
    kernels: await compileKernels(level, kernels),
    tuning: { threads, panelRows: PANEL_ROWS[level], tileColumns, dotProduct, scores },
    weights,
    weightsPerMemory,
    revectorized: false,
    quantizedCache: keeps ? await openQuantizedCache(level, dotProduct) : undefined,
  };
}

/**
 * The same with 256-bit operations, if they are asked for, the engine can make them and they compute the same.
 *
 * @param firstDifference what they compute differently, if anything
 */
export async function tryRevectorized(
  plain: WasmParts,
  options: WasmBackendOptions,
  firstDifference: (plain: WasmParts, fast: WasmParts) => Promise<string | undefined>,
): Promise<WasmParts> {
  const { revectorize = process.env["QWEN3_WASM_REVECTORIZE"] === "1", kernels = {}, tileColumns = 16 } = options;
  if (!revectorize) return plain;
  const warn = options.onWarning ?? ((message: string): void => process.emitWarning(message));
  try {
    if (!canRevectorize()) throw new Error("this engine cannot join 128-bit operations into 256-bit ones");
    const fast = {
      ...plain,
      tuning: { ...plain.tuning, tileColumns },
      kernels: await compileKernels(plain.level, kernels, compileRevectorized),
      revectorized: true,
    };
    const different = await firstDifference(plain, fast);
    if (different === undefined) return fast;
    warn(`revectorize: ${different}: other results than by the plain kernels; running those`);
  } catch (error) {
    warn(`revectorize: ${error instanceof Error ? error.message : String(error)}; running the plain kernels`);
  }
  return plain;
}

export function describeParts({ level, tuning, weights, revectorized }: WasmParts): DeviceInfo {
  const { threads, dotProduct } = tuning;
  return {
    kind: "wasm",
    description: `WebAssembly ${SIMD_NAMES[level]}${revectorized ? ", revectorized" : ""}, ${threads} thread${threads === 1 ? "" : "s"}`,
    details: {
      threads,
      simd: level,
      revectorized,
      weights,
      ...(weights === "int8" && { products: dotProduct.suffix === "I8" ? "8-bit" : "16-bit" }),
      node: process.version,
      v8: process.versions.v8,
    },
  };
}
