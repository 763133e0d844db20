import type { Backend, Matrix } from "../kernels/backend.ts";
import { Tokenizer } from "../tokenizer/index.ts";
import { type Checkpoint, checkTensors } from "../weights/index.ts";
import { checkInteger } from "./arguments.ts";
import { chooseBackend, DEFAULT_BATCH_TOKENS } from "./choose-backend.ts";
import { parseConfig, type Qwen3Config } from "./config.ts";
import { Decoder } from "./decoder.ts";
import { loadDecoderWeights, WeightLoader } from "./decoder-weights.ts";
import { Head, headTensor } from "./head.ts";
import { keptDType } from "./kept-dtype.ts";
import type { LoadOptions } from "./load-options.ts";
import { checkMemory } from "./memory/check-memory.ts";
import type { Demand, Way } from "./memory/fitting.ts";
import { type ModelFiles, openModel, type OpenedModel } from "./open-model.ts";
import type { ModelParts } from "./qwen3-model.ts";
import { decoderTensors } from "./tensor-names.ts";

/** What is known of a model besides its weights. */
export interface ModelDescription {
  readonly checkpoint: Checkpoint;
  readonly files: ModelFiles;
  readonly config: Qwen3Config;
  readonly tokenizer: Tokenizer | undefined;
}

/** What one kind of model needs besides the decoder. */
export interface ModelRole<Extra> {
  /** Reads and checks it, while the weights are read. */
  readonly readExtra: (description: ModelDescription) => Promise<Extra>;
  /** Every token's logits are wanted all the time: lm_head is loaded with the rest, and shares the table if tied. @default false */
  readonly generates?: boolean;
  /** Tokens whose keys and values it keeps; batches of `maxBatchTokens` are computed. @default none */
  readonly cacheTokens?: (maxBatchTokens: number) => number;
}

/** Opens a checkpoint and reads its weights into a backend. Whatever was opened is closed again if anything fails. */
export async function loadModel<Extra>(
  source: string | undefined,
  options: LoadOptions,
  role: ModelRole<Extra>,
): Promise<{ parts: ModelParts; extra: Extra }> {
  const opened = await openModel(source, options);
  const { checkpoint } = opened;
  try {
    const config = parseConfig(checkpoint.config, `${checkpoint.name}/config.json`);
    const backend = await chooseBackend(options);
    try {
      return await loadInto(backend, { ...opened, config }, options, role);
    } catch (error) {
      await backend.dispose();
      throw error;
    }
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

interface Opened extends OpenedModel {
  readonly config: Qwen3Config;
}

/** Other threads read weights while this one parses the tokenizer, so they begin first. */
async function loadInto<Extra>(
  backend: Backend,
  opened: Opened,
  options: LoadOptions,
  { readExtra, generates = false, cacheTokens }: ModelRole<Extra>,
): Promise<{ parts: ModelParts; extra: Extra }> {
  const { checkpoint, files, config } = opened;
  const maxBatchTokens = checkInteger("maxBatchTokens", options.maxBatchTokens ?? DEFAULT_BATCH_TOKENS[backend.kind]);
  const shapes = decoderTensors(config, checkpoint.tensorPrefix);
  if (generates) shapes.set(headTensor(checkpoint, config), [config.vocabSize, config.hiddenSize]);
  checkTensors(checkpoint, shapes);
  const demand: Demand = { maxBatchTokens, cacheTokens: cacheTokens?.(maxBatchTokens) ?? 0, generates };
  if (options.checkMemory !== false) await checkMemory(opened, wayOf(backend, options), demand);

  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const tensors = shapes.keys();
  const both = [
    loadWeights(backend, { ...opened, tensors, generates }, { ...options, signal }),
    describe(opened, readExtra),
  ] as const;
  try {
    const [weights, { tokenizer, extra, maxLength }] = await Promise.all(both);
    const close = async (): Promise<void> => {
      await backend.dispose();
      await checkpoint.close();
    };
    const parts = { name: files.name, config, tokenizer, backend, ...weights, maxBatchTokens, maxLength, close };
    return { parts, extra };
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(both);
    throw error;
  }
}

interface Weights extends Opened {
  /** Names of those that will be read. */
  readonly tensors: Iterable<string>;
  readonly generates: boolean;
}

async function loadWeights(
  backend: Backend,
  { checkpoint, adapter, config, tensors, generates }: Weights,
  { dtype = "auto", onProgress, signal }: LoadOptions,
): Promise<Pick<ModelParts, "decoder" | "head">> {
  const loader = new WeightLoader({
    checkpoint,
    adapter,
    backend,
    keepAs: keptDType(dtype),
    tensors,
    onBytes: (completed, total) => onProgress?.({ stage: "load", completed, total, unit: "bytes" }),
    signal,
  });
  const weights = await loadDecoderWeights(loader, config, generates ? "product-and-table" : "table");
  const decoder = new Decoder(config, weights);
  const onTable = (table: Matrix): void => backend.freeTable(decoder.replaceTable(table));
  const head = new Head({ loader, checkpoint, config, onTable, ...(generates && { table: weights.embedTokens }) });
  if (generates) await head.whole();
  adapter?.checkAllMerged();
  await backend.prepare(config);
  return { decoder, head };
}

interface Described<Extra> extends Pick<ModelParts, "tokenizer" | "maxLength"> {
  readonly extra: Extra;
}

/** All that is not weights. */
async function describe<Extra>(
  { checkpoint, files, config }: Opened,
  readExtra: ModelRole<Extra>["readExtra"],
): Promise<Described<Extra>> {
  const tokenizerFile = files.file("tokenizer.json");
  const tokenizer = tokenizerFile === undefined ? undefined : await Tokenizer.fromFile(tokenizerFile);
  const extra = await readExtra({ checkpoint, files, config, tokenizer });
  return { tokenizer, extra, maxLength: await readMaxLength(files, config) };
}

/** What the backend is and does, whoever made it. */
function wayOf({ kind, device: { details } }: Backend, { dtype = "auto" }: LoadOptions): Way {
  return {
    device: kind,
    dtype: details["weights"] === "int8" ? "int8" : dtype,
    software: details["software"] === true,
    maxBufferBytes: Number(details["maxBufferSize"] ?? Infinity),
  };
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
