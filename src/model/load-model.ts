import { Qwen3Error } from "../core/errors.ts";
import type { Backend, Matrix } from "../kernels/backend.ts";
import { Tokenizer } from "../tokenizer/index.ts";
import { type Checkpoint, checkTensors } from "../weights/index.ts";
import { chooseBackend, DEFAULT_BATCH_TOKENS } from "./choose-backend.ts";
import { parseConfig, type Qwen3Config } from "./config.ts";
import { Decoder } from "./decoder.ts";
import { type KeptDType, loadDecoderWeights, WeightLoader } from "./decoder-weights.ts";
import { checkInteger } from "./encode-options.ts";
import type { LoadOptions } from "./load-options.ts";
import { type ModelFiles, openModel, type OpenedModel } from "./open-model.ts";
import type { ModelParts } from "./qwen3-model.ts";
import { EMBED_TOKENS, LM_HEAD } from "./tensor-names.ts";

/**
 * Opens a checkpoint, reads its weights into a backend, and lets `readExtra` read what one kind of model needs besides.
 * Whatever was opened is closed again if anything fails.
 */
export async function loadModel<Extra>(
  source: string | undefined,
  options: LoadOptions,
  readExtra: (files: ModelFiles, config: Qwen3Config) => Promise<Extra>,
): Promise<{ parts: ModelParts; extra: Extra }> {
  const { checkpoint, adapter, files } = await openModel(source, options);
  try {
    const config = parseConfig(checkpoint.config, `${checkpoint.name}/config.json`);
    const extra = await readExtra(files, config);
    const backend = await chooseBackend(options);
    try {
      return { parts: await loadParts({ checkpoint, adapter, files, config, backend }, options), extra };
    } catch (error) {
      await backend.dispose();
      throw error;
    }
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

const KEPT: Readonly<Record<NonNullable<LoadOptions["dtype"]>, KeptDType>> = {
  auto: "stored",
  f32: "F32",
  bf16: "BF16",
  int8: "stored",
};

function keptDType(dtype: NonNullable<LoadOptions["dtype"]>): KeptDType {
  if (Object.hasOwn(KEPT, dtype)) return KEPT[dtype];
  throw new Qwen3Error(
    "invalid-argument",
    `dtype ${JSON.stringify(dtype)}; expected one of ${Object.keys(KEPT).join(", ")}`,
  );
}

interface Opened extends OpenedModel {
  readonly config: Qwen3Config;
  readonly backend: Backend;
}

async function loadParts(opened: Opened, options: LoadOptions): Promise<ModelParts> {
  const { checkpoint, adapter, files, config, backend } = opened;
  const { onProgress, signal } = options;
  const loading = {
    checkpoint,
    adapter,
    backend,
    keepAs: keptDType(options.dtype ?? "auto"),
    ...(signal && { signal }),
  };
  const tokenizerFile = files.file("tokenizer.json");
  const tokenizer = tokenizerFile === undefined ? undefined : await Tokenizer.fromFile(tokenizerFile);
  const weights = await loadDecoderWeights({
    ...loading,
    config,
    onBytes: (completed, total) => onProgress?.({ stage: "load", completed, total, unit: "bytes" }),
  });
  await backend.prepare(config);
  const maxBatchTokens = options.maxBatchTokens ?? DEFAULT_BATCH_TOKENS[backend.kind];
  return {
    name: files.name,
    config,
    tokenizer,
    backend,
    decoder: new Decoder(config, weights),
    maxBatchTokens: checkInteger("maxBatchTokens", maxBatchTokens, Number.MAX_SAFE_INTEGER),
    maxLength: await readMaxLength(files, config),
    loadHead: () => loadHead(new WeightLoader(loading), checkpoint, config),
    close: async () => {
      await backend.dispose();
      await checkpoint.close();
    },
  };
}

/** `lm_head.weight` if the file has it and it is not tied, else the embedding table. */
async function loadHead(loader: WeightLoader, checkpoint: Checkpoint, config: Qwen3Config): Promise<Matrix> {
  const own = !config.tieWordEmbeddings && checkpoint.tensors.has(LM_HEAD);
  const name = own ? LM_HEAD : checkpoint.tensorPrefix + EMBED_TOKENS;
  checkTensors(checkpoint, new Map([[name, [config.vocabSize, config.hiddenSize]]]));
  return await loader.matrix(loader.source(name), "product");
}

/** As sentence-transformers: the tokenizer's model_max_length, but never past the positions the model knows. */
async function readMaxLength(files: ModelFiles, { maxPositionEmbeddings }: Qwen3Config): Promise<number> {
  const config = await files.json("tokenizer_config.json");
  const limit =
    typeof config === "object" && config !== null && "model_max_length" in config ? config.model_max_length : undefined;
  return typeof limit === "number" && limit >= 1
    ? Math.min(Math.floor(limit), maxPositionEmbeddings)
    : maxPositionEmbeddings;
}
