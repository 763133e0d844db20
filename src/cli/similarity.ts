import type { Command } from "commander";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { loadEmbeddingModel } from "./load-model.ts";
import { addModelOptions, addPromptOptions, type ModelOptions, type PromptFlags } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { printable, table } from "./terminal.ts";
import { addTextInput, readTexts, type TextFlags } from "./texts.ts";

interface SimilarityFlags extends ModelOptions, PromptFlags, TextFlags {}

/** A text is shown beside its row up to this length. */
const LABEL_LENGTH = 60;

export function defineSimilarity(command: Command, context: Context): void {
  addTextInput(command).action((texts: string[], flags: SimilarityFlags) => similarity(texts, flags, context));
  addModelOptions(addPromptOptions(command));
}

async function similarity(args: readonly string[], flags: SimilarityFlags, context: Context): Promise<void> {
  const texts = await readTexts(args, flags, context);
  if (texts.length < 2) throw new UsageError(`${texts.length} text given; at least two can be compared`);
  using progress = await ProgressBars.create(context, flags);
  const { onProgress } = progress;
  await using model = await loadEmbeddingModel(flags, context, onProgress);
  const { promptName, prompt, instruction } = flags;
  const vectors = await model.encode(texts, { promptName, prompt, instruction, signal: context.signal, onProgress });
  const matrix = model.similarity(vectors, vectors);
  context.stdout.write(flags.json === true ? `${JSON.stringify(matrix)}\n` : formatMatrix(matrix, texts));
}

/** The matrix with four digits, each row followed by its text. */
export function formatMatrix(matrix: readonly (readonly number[])[], rowLabels: readonly string[]): string {
  const rows = matrix.map((row, i) => [...row.map((value) => value.toFixed(4)), shorten(rowLabels[i] ?? "")]);
  return table(rows, matrix[0]?.map(() => "right" as const) ?? []);
}

function shorten(text: string): string {
  const line = printable(text).replace(/\s+/g, " ");
  return line.length <= LABEL_LENGTH ? line : `${line.slice(0, LABEL_LENGTH - 1)}…`;
}
