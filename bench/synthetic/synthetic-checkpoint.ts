import { join } from "node:path";
import type { WeightDType } from "../../src/core/dtype.ts";
import { parseConfig } from "../../src/model/config.ts";
import { decoderTensors, LM_HEAD } from "../../src/model/tensor-names.ts";
import { copyTokenizer, writeJson, writeSentenceTransformersFiles } from "./model-files.ts";
import { RandomWeights } from "./random-weights.ts";
import type { TensorPlan } from "./safetensors-writer.ts";
import { writeCheckpoint } from "./safetensors-writer.ts";
import type { ConfigSizes } from "./shapes.ts";
import { configJson } from "./shapes.ts";

export interface SyntheticOptions {
  readonly sizes: ConfigSizes;
  /** How the weights are stored. @default "BF16" */
  readonly dtype?: WeightDType;
  /** `embedding`: last-token pooling, and a tokenizer that appends `<|endoftext|>`. @default "embedding" */
  readonly role?: "embedding" | "causal";
  /** Tensor names begin with `model.`. @default false */
  readonly prefix?: boolean;
  /** An lm_head of its own, not tied to the embedding. @default false */
  readonly lmHead?: boolean;
  /** A folder to copy tokenizer.json and tokenizer_config.json from. @default no tokenizer */
  readonly tokenizer?: string | undefined;
  /** A file is closed before it would grow past this. @default 5e9 */
  readonly shardBytes?: number;
  readonly seed?: number;
  /** Zeros instead of random weights, which take no room on disk: for what depends on sizes alone. @default false */
  readonly sparse?: boolean;
}

const TORCH_NAMES: Readonly<Record<WeightDType, string>> = { BF16: "bfloat16", F16: "float16", F32: "float32" };

/** Writes a checkpoint folder with random weights, the same for the same options everywhere. */
export function writeSyntheticCheckpoint(
  folder: string,
  options: SyntheticOptions,
): { readonly tensors: number; readonly bytes: number } {
  const {
    sizes,
    dtype = "BF16",
    role = "embedding",
    prefix = false,
    lmHead = false,
    seed = 0,
    sparse = false,
  } = options;
  const config = configJson(sizes, TORCH_NAMES[dtype], !lmHead);
  const tensors = plannedTensors(config, prefix ? "model." : "", lmHead);
  const numbers = new Map(tensors.map((tensor, number) => [tensor, number]));
  const weights = new RandomWeights(seed, dtype);
  const bytes = writeCheckpoint(
    folder,
    tensors,
    (block, tensor, start) =>
      weights.write(block, numbers.get(tensor) ?? 0, start, tensor.shape.length === 1 ? "norm" : "matrix"),
    { dtype, shardBytes: options.shardBytes ?? 5e9, sparse },
  );
  writeJson(join(folder, "config.json"), config);
  if (role === "embedding") writeSentenceTransformersFiles(folder, sizes.hidden_size);
  if (options.tokenizer !== undefined) copyTokenizer(options.tokenizer, folder, role === "embedding");
  return { tensors: tensors.length, bytes };
}

function plannedTensors(config: Record<string, unknown>, prefix: string, lmHead: boolean): TensorPlan[] {
  const parsed = parseConfig(config, "the generated config");
  const tensors = [...decoderTensors(parsed, prefix)].map(([name, shape]) => ({ name, shape }));
  if (lmHead) tensors.push({ name: LM_HEAD, shape: [parsed.vocabSize, parsed.hiddenSize] });
  return tensors;
}
