import type { Command } from "commander";
import type { DeviceInfo, EmbeddingModel } from "../index.ts";
import { CARD_DOCUMENTS, CARD_QUERIES } from "./card-example.ts";
import type { Context } from "./context.ts";
import { loadEmbeddingModel } from "./load-model.ts";
import { addModelOptions, type ModelOptions } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { formatMatrix } from "./similarity.ts";
import { formatCount, formatSeconds } from "./terminal.ts";

export function defineDemo(command: Command, context: Context): void {
  command.action((flags: ModelOptions) => demo(flags, context));
  addModelOptions(command);
}

async function demo(flags: ModelOptions, context: Context): Promise<void> {
  using progress = await ProgressBars.create(context, flags);
  const began = performance.now();
  await using model = await loadEmbeddingModel(flags, context, progress.onProgress);
  const loaded = performance.now();
  const queries = await model.encodeQuery(CARD_QUERIES, { signal: context.signal });
  const documents = await model.encodeDocument(CARD_DOCUMENTS, { signal: context.signal });
  const report: DemoReport = {
    similarities: model.similarity(queries, documents),
    queries: CARD_QUERIES,
    documents: CARD_DOCUMENTS,
    device: model.device,
    tokens: countTokens(model),
    loadMs: loaded - began,
    embedMs: performance.now() - loaded,
  };
  context.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : describe(report));
}

interface DemoReport {
  /** [queries][documents] */
  readonly similarities: readonly (readonly number[])[];
  readonly queries: readonly string[];
  readonly documents: readonly string[];
  readonly device: DeviceInfo;
  readonly tokens: number;
  readonly loadMs: number;
  readonly embedMs: number;
}

/** Of all four texts, with the prompts and end tokens that were computed. */
function countTokens({ tokenizer, prompts }: EmbeddingModel): number {
  const texts = [...CARD_QUERIES.map((query) => `${prompts.get("query") ?? ""}${query}`), ...CARD_DOCUMENTS];
  return texts.reduce((sum, text) => sum + tokenizer.encode(text).ids.length, 0);
}

function describe({ similarities, queries, documents, device, tokens, loadMs, embedMs }: DemoReport): string {
  const columns = documents.map((document, i) => `  ${i + 1}. ${document}`).join("\n");
  const speed = Math.round((1000 * tokens) / embedMs);
  return `Cosine similarity of queries (rows) with documents (columns):

${formatMatrix(similarities, queries)}
${columns}

device  ${device.kind}: ${device.description}
tokens  ${tokens}
time    ${formatSeconds(loadMs)} to load, ${formatSeconds(embedMs)} to embed (${formatCount(speed)} tokens/s, first use included)
`;
}
