import { CausalModel, EmbeddingModel, RerankerModel } from "../index.ts";
import type { LoadOptions } from "../model/load-options.ts";
import type { OnProgress } from "../model/progress.ts";
import type { Qwen3Model } from "../model/qwen3-model.ts";
import { DEFAULT_MODEL, DEFAULT_RERANKER } from "../weights/index.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { Notes } from "./notes.ts";
import { checkRevectorize, type ModelOptions } from "./options.ts";
import { formatBytes, formatSeconds } from "./terminal.ts";

/** The model that the flags name, with progress, a note about the demonstration model, and details for `--verbose`. */
export function loadEmbeddingModel(
  flags: ModelOptions,
  context: Context,
  onProgress: OnProgress,
): Promise<EmbeddingModel> {
  const kind: Kind<EmbeddingModel> = {
    bundled: DEFAULT_MODEL,
    option: "--model",
    load: (source, options) => EmbeddingModel.load(source, options),
  };
  return load(kind, flags, context, onProgress);
}

/** The same for a reranker. @param option the flag that names it */
export function loadRerankerModel(
  flags: ModelOptions,
  context: Context,
  onProgress: OnProgress,
  option: string = "--model",
): Promise<RerankerModel> {
  const kind: Kind<RerankerModel> = {
    bundled: DEFAULT_RERANKER,
    option,
    load: (source, options) => RerankerModel.load(source, options),
  };
  return load(kind, flags, context, onProgress);
}

/** The same for a model that generates text; none comes with the package. */
export function loadCausalModel(flags: ModelOptions, context: Context, onProgress: OnProgress): Promise<CausalModel> {
  const kind: Kind<CausalModel> = { load: (source = "", options) => CausalModel.load(source, options) };
  if (flags.model === undefined) {
    throw new UsageError("no model that writes text comes with the package; name one: --model Qwen/Qwen3-0.6B");
  }
  return load(kind, flags, context, onProgress);
}

interface Kind<Model extends Qwen3Model> {
  /** The demonstration model used where none is named, and the flag that names another. */
  readonly bundled?: string;
  readonly option?: string;
  readonly load: (source: string | undefined, options: LoadOptions) => Promise<Model>;
}

async function load<Model extends Qwen3Model>(
  { bundled, option, load: loadKind }: Kind<Model>,
  flags: ModelOptions,
  context: Context,
  onProgress: OnProgress,
): Promise<Model> {
  checkRevectorize(flags);
  const notes = new Notes(context, flags);
  if (flags.model === undefined) {
    notes.note(
      `using the bundled ${bundled}, a demonstration model; for real work name a Qwen3 checkpoint with ${option}`,
    );
  }
  const began = performance.now();
  const { model: source, revision, lora, device, adapter, autotune, threads, revectorize, dtype } = flags;
  const options = { revision, lora, device, adapter, autotune, threads, revectorize, dtype };
  const model = await loadKind(source, { ...options, signal: context.signal, onProgress });
  const { device: runsOn, memory } = model;
  const taken = formatSeconds(performance.now() - began);
  notes.detail(
    `loaded in ${taken}: ${formatBytes(memory.weights)} of weights on ${runsOn.kind} (${runsOn.description})`,
  );
  return model;
}
