import type { Command } from "commander";
import type { RankedDocument } from "../index.ts";
import type { Context } from "./context.ts";
import { loadRerankerModel } from "./load-model.ts";
import { addModelOptions, type ModelOptions, positiveInteger } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { printable, table } from "./terminal.ts";
import { addTextInput, readTexts, type TextFlags } from "./texts.ts";

interface RerankFlags extends ModelOptions, TextFlags {
  readonly top?: number;
  readonly instruction?: string;
}

export function defineRerank(command: Command, context: Context): void {
  addTextInput(command.argument("<query>", "what the documents should answer"))
    .option("-k, --top <n>", "documents to print (default: all)", positiveInteger)
    .option("--instruction <text>", "what makes a document relevant (default: it answers a web search)")
    .action((query: string, documents: string[], flags: RerankFlags) => rerank(query, documents, flags, context));
  addModelOptions(command);
}

async function rerank(query: string, args: readonly string[], flags: RerankFlags, context: Context): Promise<void> {
  const documents = await readTexts(args, flags, context);
  using progress = await ProgressBars.create(context, flags);
  const { onProgress } = progress;
  await using model = await loadRerankerModel(flags, context, onProgress);
  const ranked = await model.rank(query, documents, {
    topK: flags.top,
    instruction: flags.instruction,
    returnDocuments: true,
    signal: context.signal,
    onProgress,
  });
  context.stdout.write(flags.json === true ? `${JSON.stringify(ranked)}\n` : format(ranked));
}

/** P(yes), the document's number in the list given, and the document on one line. */
function format(ranked: readonly RankedDocument[]): string {
  const rows = ranked.map(({ index, score, document = "" }) => [
    score.toFixed(4),
    `${index + 1}`,
    printable(document).replace(/\s+/g, " "),
  ]);
  return rows.length === 0 ? "" : table(rows, ["right", "right"]);
}
