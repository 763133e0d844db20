/** llama.cpp by way of node-llama-cpp, on the CPU or on Vulkan. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Driver } from "../encode/driver.ts";
import { unitLength } from "../statistics.ts";
import { installed, versionOf } from "./install.ts";

interface EmbeddingContext {
  getEmbeddingFor(text: string): Promise<{ readonly vector: readonly number[] }>;
  calculateInputLength(text: string): number;
  dispose(): Promise<void>;
}

interface Llama {
  readonly llamaCppRelease: { readonly release: string };
  readonly gpu: string | false;
  getGpuDeviceNames(): Promise<string[]>;
  loadModel(options: object): Promise<{ createEmbeddingContext(options: object): Promise<EmbeddingContext> }>;
}

interface NodeLlamaCpp {
  readonly getLlama: (options: object) => Promise<Llama>;
}

/** Longer than any workload's texts. */
const CONTEXT = 2100;

/** Options: `gguf` (a file), `gpu` (false, vulkan), `threads`, `cache`. */
export async function open(options: Readonly<Record<string, string>>): Promise<Driver> {
  const { gguf = "", gpu = "false", threads = "2", cache = "" } = options;
  const folder = installed("node-llama-cpp", cache);
  const { getLlama } = (await import(pathToFileURL(join(folder, "dist/index.js")).href)) as NodeLlamaCpp;
  const llama = await getLlama({
    gpu: gpu === "false" ? false : gpu,
    build: "never",
    maxThreads: Number(threads),
    logLevel: "error",
  });
  const model = await llama.loadModel({ modelPath: gguf, gpuLayers: gpu === "false" ? 0 : "max" });
  const context = await model.createEmbeddingContext({
    contextSize: CONTEXT,
    batchSize: CONTEXT,
    threads: Number(threads),
  });
  return {
    about: {
      "node-llama-cpp": versionOf(folder),
      "llama.cpp": llama.llamaCppRelease.release,
      device: llama.gpu === false ? "cpu" : (await llama.getGpuDeviceNames()).join(", "),
      threads,
    },
    async encode(texts) {
      const results = await Promise.all(texts.map((text) => context.getEmbeddingFor(text)));
      return results.map(({ vector }) => unitLength(Float32Array.from(vector)));
    },
    countTokens: async (texts) => texts.map((text) => context.calculateInputLength(text)),
    close: () => context.dispose(),
  };
}
