import { Qwen3Error } from "../core/errors.ts";
import type { Backend, BackendKind } from "../kernels/backend.ts";
import { createBackend } from "../kernels/create-backend.ts";
import type { LoadOptions } from "./load-options.ts";

/** Tokens per batch that keep each device busy without holding much memory, or the event loop for long. */
export const DEFAULT_BATCH_TOKENS: Readonly<Record<BackendKind, number>> = {
  reference: 512,
  wasm: 2048,
  webgpu: 4096,
};

/** The backend that the options ask for. */
export async function chooseBackend(options: LoadOptions): Promise<Backend> {
  if (options.backend) return options.backend;
  const { device = "auto" } = options;
  switch (device) {
    case "reference":
      return await createBackend({ kind: "reference" });
    case "auto":
    case "wasm":
      return await createBackend({ kind: "wasm", ...(options.threads !== undefined && { threads: options.threads }) });
    case "webgpu":
      throw new Qwen3Error("device", `device "${device}" is not built yet; use "wasm" or "reference"`);
    default:
      device satisfies never;
      throw new Qwen3Error(
        "invalid-argument",
        `device ${JSON.stringify(device)}; expected "auto", "webgpu", "wasm" or "reference"`,
      );
  }
}
