/** onnxruntime-web's WebAssembly backend in Node: what the same ONNX file does without native code. */
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import type { Driver } from "../encode/driver.ts";
import { unitLength } from "../statistics.ts";
import { installed, versionOf } from "./install.ts";

interface Session {
  run(inputs: object): Promise<{ readonly last_hidden_state: { readonly data: Float32Array } }>;
  release(): Promise<void>;
}

interface OnnxRuntime {
  readonly env: { readonly wasm: { numThreads: number; simd: boolean } };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: BigInt64Array, dims: readonly number[]) => object;
}

const FILES: Readonly<Record<string, string>> = { fp32: "model", q8: "model_quantized", q4: "model_q4" };

/** Options: `onnx` (a folder in transformers.js' layout), `dtype`, `threads`, `cache`. One text a call: no padding. */
export async function open(options: Readonly<Record<string, string>>): Promise<Driver> {
  const { onnx = "", dtype = "fp32", threads = "2", cache = "" } = options;
  const folder = installed("onnxruntime-web", cache);
  const entry = createRequire(join(folder, "package.json")).resolve("onnxruntime-web");
  const library = (await import(pathToFileURL(entry.replace(/\.js$/, ".mjs")).href)) as OnnxRuntime;
  library.env.wasm.numThreads = Number(threads);
  library.env.wasm.simd = true;
  const name = FILES[dtype] ?? dtype;
  const session = await library.InferenceSession.create(readFileSync(join(onnx, "onnx", `${name}.onnx`)), {
    executionProviders: ["wasm"],
    externalData: [{ path: `${name}.onnx_data`, data: readLarge(join(onnx, "onnx", `${name}.onnx_data`)) }],
    graphOptimizationLevel: "all",
  });
  const tokenizer = await Tokenizer.fromFile(join(onnx, "tokenizer.json"));
  const int64 = (values: readonly bigint[]): object =>
    new library.Tensor("int64", BigInt64Array.from(values), [1, values.length]);
  return {
    about: { "onnxruntime-web": versionOf(folder), dtype, device: "wasm", threads, batch: 1 },
    async encode(texts) {
      const vectors: Float32Array[] = [];
      for (const text of texts) {
        const ids = Array.from(tokenizer.encode(text).ids, BigInt);
        const mask = int64(ids.map(() => 1n));
        const { last_hidden_state: hidden } = await session.run({ input_ids: int64(ids), attention_mask: mask });
        vectors.push(unitLength(hidden.data.slice(hidden.data.length - hidden.data.length / ids.length)));
      }
      return vectors;
    },
    countTokens: async (texts) => texts.map((text) => tokenizer.encode(text).ids.length),
    async close() {
      await session.release();
    },
  };
}

/** A whole file, piece by piece: `readFileSync` stops at 2 GiB. */
function readLarge(file: string): Uint8Array {
  const bytes = new Uint8Array(statSync(file).size);
  const descriptor = openSync(file, "r");
  for (let at = 0; at < bytes.length;) {
    at += readSync(descriptor, bytes, at, Math.min(2 ** 29, bytes.length - at), at);
  }
  closeSync(descriptor);
  return bytes;
}
