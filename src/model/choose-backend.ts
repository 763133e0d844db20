import { Qwen3Error } from "../core/errors.ts";
import { mayHaveGpu } from "../core/gpu/may-have-gpu.ts";
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
  const { device = "auto", dtype } = options;
  if (dtype === "int8" && (device === "reference" || device === "webgpu")) {
    const message = `dtype "int8" is for device "wasm", got "${device}"; choose that device, or dtype "auto", "f32" or "bf16"`;
    throw new Qwen3Error("unsupported", message);
  }
  switch (device) {
    case "reference":
      return await createBackend({ kind: "reference" });
    case "wasm":
      return await createWasm(options);
    case "webgpu":
      return await createWebGpu(options);
    case "auto":
      return (dtype === "int8" ? undefined : await tryWebGpu(options)) ?? (await createWasm(options));
    default:
      device satisfies never;
      throw new Qwen3Error(
        "invalid-argument",
        `device ${JSON.stringify(device)}; expected "auto", "webgpu", "wasm" or "reference"`,
      );
  }
}

function createWasm({ threads, dtype, revectorize, quantizedCache }: LoadOptions): Promise<Backend> {
  const weights = dtype === "int8" ? "int8" : "stored";
  return createBackend({
    kind: "wasm",
    weights,
    ...(threads !== undefined && { threads }),
    ...(revectorize !== undefined && { revectorize }),
    ...(quantizedCache !== undefined && { quantizedCache }),
  });
}

/** A software adapter only if it is named: it is slower than the CPU backend. */
function createWebGpu({ adapter, autotune }: LoadOptions): Promise<Backend> {
  const given = { ...(adapter !== undefined && { adapter }), ...(autotune !== undefined && { autotune }) };
  return createBackend({ kind: "webgpu", ...given });
}

async function tryWebGpu(options: LoadOptions): Promise<Backend | undefined> {
  if (options.adapter === undefined && !mayHaveGpu()) return undefined;
  try {
    return await createWebGpu(options);
  } catch (error) {
    if (options.adapter === undefined && error instanceof Qwen3Error && error.code === "device") return undefined;
    throw error;
  }
}
