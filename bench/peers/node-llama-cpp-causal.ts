/** llama.cpp generating, by way of node-llama-cpp. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { GenerateDriver } from "../generate/protocol.ts";
import { installed, versionOf } from "./install.ts";

interface Sequence {
  evaluate(tokens: readonly number[], options: object): AsyncGenerator<number>;
  clearHistory(): Promise<void>;
}

interface Model {
  tokenize(text: string): number[];
  createContext(options: object): Promise<{ getSequence(): Sequence; dispose(): Promise<void> }>;
}

interface NodeLlamaCpp {
  readonly getLlama: (options: object) => Promise<{
    readonly llamaCppRelease: { readonly release: string };
    readonly gpu: string | false;
    getGpuDeviceNames(): Promise<string[]>;
    loadModel(options: object): Promise<Model>;
  }>;
}

/** Longer than any prompt and what follows it. */
const CONTEXT = 4096;

/** Options: `gguf` (a file), `gpu` (false, vulkan), `threads`, `cache`. */
export async function open(options: Readonly<Record<string, string>>): Promise<GenerateDriver> {
  const { gguf = "", gpu = "false", threads = "2", cache = "" } = options;
  const folder = installed("node-llama-cpp", cache);
  const { getLlama } = (await import(pathToFileURL(join(folder, "dist/index.js")).href)) as NodeLlamaCpp;
  const onGpu = gpu !== "false";
  const llama = await getLlama({
    gpu: onGpu && gpu,
    build: "never",
    maxThreads: Number(threads),
    logLevel: "error",
  });
  const model = await llama.loadModel({ modelPath: gguf, gpuLayers: onGpu ? "max" : 0 });
  const context = await model.createContext({ contextSize: CONTEXT, batchSize: 512, threads: Number(threads) });
  const sequence = context.getSequence();
  const device = llama.gpu === false ? "cpu" : (await llama.getGpuDeviceNames()).join(", ");
  return {
    about: {
      "node-llama-cpp": versionOf(folder),
      "llama.cpp": llama.llamaCppRelease.release,
      device,
      threads,
    },
    weightBytes: statSync(gguf).size,
    inHostMemory: llama.gpu === false || device.includes("llvmpipe"),
    async *generate(prompt) {
      await sequence.clearHistory();
      yield* sequence.evaluate(model.tokenize(prompt), { temperature: 0, yieldEogToken: true });
    },
    close: () => context.dispose(),
  };
}
