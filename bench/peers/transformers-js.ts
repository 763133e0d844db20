/** transformers.js on onnxruntime-node: the usual way to embed text in Node. */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { Driver } from "../encode/driver.ts";
import { installed, versionOf } from "./install.ts";

interface Tensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

type Extractor = ((texts: readonly string[], options: object) => Promise<Tensor>) & {
  tokenizer(texts: readonly string[], options: object): { readonly attention_mask: { tolist(): bigint[][] } };
  dispose(): Promise<void>;
};

interface TransformersJs {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: string, model: string, options: object): Promise<Extractor>;
}

/** Options: `onnx` (a folder in transformers.js' layout), `dtype`, `device` (cpu, webgpu), `threads`, `batch`, `cache`. */
export async function open(options: Readonly<Record<string, string>>): Promise<Driver> {
  const { onnx = "", dtype = "fp32", device = "cpu", threads = "2", batch = "32", cache = "" } = options;
  const folder = installed("@huggingface/transformers", cache);
  const library = createRequire(join(folder, "package.json"))(folder) as TransformersJs;
  library.env.allowRemoteModels = false;
  library.env.localModelPath = `${dirname(onnx)}/`;
  const extract = await library.pipeline("feature-extraction", basename(onnx), {
    dtype,
    device,
    use_external_data_format: true,
    session_options: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
  });
  const batchSize = Number(batch);
  return {
    about: {
      "transformers.js": versionOf(folder),
      "onnxruntime-node": versionOf(folder, "onnxruntime-node"),
      dtype,
      device,
      threads,
      batch,
    },
    async encode(texts) {
      const vectors: Float32Array[] = [];
      for (let i = 0; i < texts.length; i += batchSize) {
        const { data, dims } = await extract(texts.slice(i, i + batchSize), { pooling: "last_token", normalize: true });
        const width = dims.at(-1) ?? 0;
        for (let row = 0; row < data.length; row += width) vectors.push(data.slice(row, row + width));
      }
      return vectors;
    },
    countTokens: async (texts) =>
      texts.map((text) => extract.tokenizer([text], { padding: true }).attention_mask.tolist()[0]?.length ?? 0),
    close: () => extract.dispose(),
  };
}
