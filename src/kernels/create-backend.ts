import { Qwen3Error } from "../core/errors.ts";
import type { Backend, BackendKind } from "./backend.ts";
import type { ReferenceKernels } from "./reference/kernels.ts";
import type { WasmBackendOptions } from "./wasm/wasm-backend.ts";
import type { WebGpuBackendOptions } from "./webgpu/webgpu-backend.ts";

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

export interface WebGpuOptions extends WebGpuBackendOptions {
  readonly kind: "webgpu";
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
