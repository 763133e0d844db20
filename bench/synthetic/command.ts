import { readFileSync } from "node:fs";
import type { WeightDType } from "../../src/core/dtype.ts";
import { parseConfig } from "../../src/model/config.ts";
import { qwen3TokenizerFolder } from "./model-files.ts";
import type { ConfigSizes } from "./shapes.ts";
import { SHAPES } from "./shapes.ts";
import { writeSyntheticCheckpoint } from "./synthetic-checkpoint.ts";
import { given, numberOf, readOptions } from "../command-line.ts";

const HELP = `npm run bench -- synthetic --shape NAME --out DIR
Writes a Qwen3 checkpoint with random weights (normal, std 0.02), the same for the same options everywhere.

  --shape NAME        ${Object.keys(SHAPES).join(", ")}
  --config FILE       the sizes of this config.json instead of a named shape
  --layers N          another number of layers
  --out DIR           where to
  --dtype TYPE        bf16, f16 or f32  (bf16)
  --role ROLE         embedding (last-token pooling, tokenizer appends <|endoftext|>) or causal  (embedding)
  --prefix            tensor names with 'model.'
  --lm-head           an lm_head of its own, not tied to the embedding
  --tokenizer DIR     copy the tokenizer from there; 'qwen3' is the real one from the development dependencies
  --shard-gb N        size at which a new file is begun  (5)
  --seed N            (0)
  --sparse            zeros, which take no room on disk: for what depends on sizes alone`;

const DTYPES: Readonly<Record<string, WeightDType>> = { bf16: "BF16", f16: "F16", f32: "F32" };

const OPTIONS = {
  shape: { type: "string" },
  config: { type: "string" },
  layers: { type: "string" },
  out: { type: "string" },
  dtype: { type: "string", default: "bf16" },
  role: { type: "string", default: "embedding" },
  prefix: { type: "boolean", default: false },
  "lm-head": { type: "boolean", default: false },
  tokenizer: { type: "string" },
  "shard-gb": { type: "string", default: "5" },
  seed: { type: "string", default: "0" },
  sparse: { type: "boolean", default: false },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const out = given(values.out, "--out DIR");
  const dtype = DTYPES[values.dtype];
  if (!dtype) throw new Error(`--dtype ${values.dtype}: expected ${Object.keys(DTYPES).join(", ")}`);
  if (values.role !== "embedding" && values.role !== "causal") {
    throw new Error(`--role ${values.role}: expected embedding or causal`);
  }
  const started = performance.now();
  const { tensors, bytes } = writeSyntheticCheckpoint(out, {
    sizes: chosenSizes(values.shape, values.config, values.layers),
    dtype,
    role: values.role,
    prefix: values.prefix,
    lmHead: values["lm-head"],
    tokenizer: values.tokenizer === "qwen3" ? qwen3TokenizerFolder() : values.tokenizer,
    shardBytes: numberOf(values["shard-gb"], "--shard-gb") * 1e9,
    seed: numberOf(values.seed, "--seed"),
    sparse: values.sparse,
  });
  const seconds = (performance.now() - started) / 1e3;
  console.log(`${out}: ${tensors} tensors, ${(bytes / 1e9).toFixed(2)} GB in ${seconds.toFixed(1)} s`);
}

function chosenSizes(shape?: string, file?: string, layers?: string): ConfigSizes {
  const chosen = file === undefined ? SHAPES[shape ?? ""] : sizesOfFile(file);
  if (!chosen) throw new Error(`--shape ${shape}: expected ${Object.keys(SHAPES).join(", ")}, or --config FILE`);
  return layers === undefined ? chosen : { ...chosen, num_hidden_layers: Number(layers) };
}

function sizesOfFile(file: string): ConfigSizes {
  const config = parseConfig(JSON.parse(readFileSync(file, "utf8")), file);
  return {
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    vocab_size: config.vocabSize,
    max_position_embeddings: config.maxPositionEmbeddings,
  };
}
