import { type Command, Option } from "commander";
import type { EmbeddingModel } from "../index.ts";
import type { OnProgress } from "../model/progress.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { loadEmbeddingModel } from "./load-model.ts";
import { addModelOptions, addPromptOptions, type ModelOptions, positiveInteger, type PromptFlags } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { addTextInput, readTexts, type TextFlags } from "./texts.ts";
import {
  type EmbeddedSlice,
  formatVectors,
  VECTOR_FORMATS,
  type VectorFormat,
} from "./vector-formats/write-vectors.ts";
import { writeOutput } from "./write-output.ts";

/** Texts encoded before their vectors are written: enough to fill batches of similar length. */
const SLICE = 1024;

interface EmbedFlags extends ModelOptions, PromptFlags, TextFlags {
  readonly output?: string;
  readonly format?: VectorFormat;
  readonly dimensions?: number;
}

export function defineEmbed(command: Command, context: Context): void {
  addTextInput(command)
    .option("-o, --output <file>", "write to a file instead of standard output")
    .addOption(
      new Option("-f, --format <format>", "of the vectors (default: by the output's ending, else json)").choices(
        VECTOR_FORMATS,
      ),
    )
    .option("--dimensions <n>", "keep only the first n dimensions", positiveInteger)
    .action((texts: string[], flags: EmbedFlags) => embed(texts, flags, context));
  addModelOptions(addPromptOptions(command));
}

async function embed(args: readonly string[], flags: EmbedFlags, context: Context): Promise<void> {
  const format = chooseFormat(flags);
  const texts = await readTexts(args, flags, context);
  using progress = await ProgressBars.create(context, flags);
  await using model = await loadEmbeddingModel(flags, context, progress.onProgress);
  const slices = embedSlices(model, texts, { flags, signal: context.signal, onProgress: progress.onProgress });
  await writeOutput(flags.output, formatVectors(format, texts.length, slices), context);
}

function chooseFormat({ format, json, output }: EmbedFlags): VectorFormat {
  if (format !== undefined) {
    if (json === true && format !== "json") throw new UsageError(`--json and --format ${format} contradict each other`);
    return format;
  }
  return VECTOR_FORMATS.find((known) => json !== true && output?.endsWith(`.${known}`) === true) ?? "json";
}

interface EmbedRun {
  readonly flags: EmbedFlags;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

async function* embedSlices(
  model: EmbeddingModel,
  texts: readonly string[],
  run: EmbedRun,
): AsyncGenerator<EmbeddedSlice> {
  const { promptName, prompt, instruction, dimensions } = run.flags;
  for (let start = 0; start < texts.length; start += SLICE) {
    const slice = texts.slice(start, start + SLICE);
    const vectors = await model.encode(slice, {
      promptName,
      prompt,
      instruction,
      dimensions,
      signal: run.signal,
      onProgress: ({ completed, ...rest }) =>
        run.onProgress({ ...rest, completed: start + completed, total: texts.length }),
    });
    yield { texts: slice, vectors };
  }
}
