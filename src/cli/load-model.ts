import { EmbeddingModel } from "../index.ts";
import type { LoadOptions } from "../model/load-options.ts";
import type { OnProgress } from "../model/progress.ts";
import type { Context } from "./context.ts";
import { Notes } from "./notes.ts";
import type { ModelOptions } from "./options.ts";
import { formatBytes, formatSeconds } from "./terminal.ts";

const DEMONSTRATION_NOTE =
  "using the bundled qwen3-embedding-tiny, a demonstration model; for real work name a Qwen3 checkpoint with --model";

/** The model that the flags name, with progress, a note about the demonstration model, and details for `--verbose`. */
export async function loadEmbeddingModel(
  flags: ModelOptions,
  context: Context,
  onProgress: OnProgress,
): Promise<EmbeddingModel> {
  const notes = new Notes(context, flags);
  if (flags.model === undefined) notes.note(DEMONSTRATION_NOTE);
  const began = performance.now();
  const model = await EmbeddingModel.load(flags.model, loadOptions(flags, context, onProgress));
  const { device, memory } = model;
  const taken = formatSeconds(performance.now() - began);
  notes.detail(
    `loaded in ${taken}: ${formatBytes(memory.weights)} of weights on ${device.kind} (${device.description})`,
  );
  return model;
}

function loadOptions(
  { device, adapter, threads, dtype }: ModelOptions,
  { signal }: Context,
  onProgress: OnProgress,
): LoadOptions {
  return { device, adapter, threads, dtype, signal, onProgress };
}
