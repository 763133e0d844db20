import { Qwen3Error } from "../core/errors.ts";
import type { Backend, BackendKind } from "./backend.ts";
import type { ReferenceKernels } from "./reference/kernels.ts";
import type { WasmBackendOptions } from "./wasm/wasm-options.ts";

/** Which backend, and what of it to replace. */
export type BackendOptions = ReferenceOptions | WasmOptions | WebGpuOptions;

export interface ReferenceOptions {
  readonly kind: "reference";
  /** Operations to run in place of the built-in ones, by name. */
  readonly kernels?: Partial<ReferenceKernels>;
}

export interface WasmOptions extends WasmBackendOptions {
  readonly kind: "wasm";
}

/** Spelled out, so that our declarations name no WebGPU type: consumers need not have any. */
export interface WebGpuOptions {
  readonly kind: "webgpu";
  /** Part of the adapter's name, in any case. It also allows a software adapter. @default the best there is */
  readonly adapter?: string;
  /** Which of several GPUs. @default "high-performance" */
  readonly powerPreference?: "low-power" | "high-performance";
  /** Whether a CPU that pretends to be a GPU will do (llvmpipe, SwiftShader, WARP). @default false */
  readonly allowSoftware?: boolean;
  /** Whether Dawn guards buffer accesses too. @default false */
  readonly robustness?: boolean;
  /**
   * Times the tiles of matrix products when a model of new sizes is first loaded on an adapter, for at most about two
   * seconds, and remembers the fastest in the user's cache folder. @default true, but on software adapters
   */
  readonly autotune?: boolean;
  /**
   * Whether every kernel is held against the reference when a model is loaded. One that is wrong on this adapter is
   * replaced, with a warning, or is an error if there is no other. @default true
   */
  readonly selfCheck?: boolean;
  /** WGSL to use in place of built-in kernels, by name: what `src/kernels/wgsl/NAME.wgsl` holds, rewritten. */
  readonly kernels?: Readonly<Record<string, string>>;
  /** Told about what works, but not as well as it should. @default process.emitWarning */
  readonly onWarning?: (message: string) => void;
}

/**
 * Makes a backend. Its code is loaded only now, so that a program which embeds on the CPU never loads Dawn.
 *
 * @throws Qwen3Error `device` if the device cannot be had
 */
export async function createBackend(options: BackendOptions): Promise<Backend> {
  const kind: BackendKind = options.kind;
  switch (options.kind) {
    case "reference": {
      const { ReferenceBackend } = await import("./reference/reference-backend.ts");
      return new ReferenceBackend(options.kernels);
    }
    case "wasm": {
      const { WasmBackend } = await import("./wasm/wasm-backend.ts");
      return await WasmBackend.create(options);
    }
    case "webgpu": {
      const { WebGpuBackend } = await import("./webgpu/webgpu-backend.ts");
      return await WebGpuBackend.create(options);
    }
    default:
      options satisfies never;
      throw new Qwen3Error(
        "invalid-argument",
        `backend kind ${JSON.stringify(kind)}; expected "reference", "wasm" or "webgpu"`,
      );
  }
}
