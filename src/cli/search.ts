import { type Command, Option } from "commander";
import { Qwen3Error } from "../core/errors.ts";
import type { Context } from "./context.ts";
import { loadEmbeddingModel, loadRerankerModel } from "./load-model.ts";
import { Notes } from "./notes.ts";
import { withPackage } from "./optional-package.ts";
import { addModelOptions, addPromptOptions, type ModelOptions, positiveInteger, type PromptFlags } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { type DistinctPassage, distinctPassages } from "./search/distinct.ts";
import { embedPassages, vectorMatrix } from "./search/embed-passages.ts";
import { indexFile } from "./search/index-file.ts";
import { formatResults } from "./search/print-results.ts";
import { type Hit, joinByRank, type RankedPassage, vectorHits } from "./search/rank.ts";
import { type RerankRun, rerankPassages } from "./search/rerank-passages.ts";
import { topResults } from "./search/results.ts";
import { queryTermsOf } from "./search/terms.ts";
import { VectorIndex } from "./search/vector-index.ts";
import { formatCount, formatSeconds, styleFor } from "./terminal.ts";

/** Embedded with every search: an index that other weights made shows by it. Any text would do. */
const PROBE = "The quick brown fox jumps over the lazy dog.";

interface SearchFlags extends ModelOptions, PromptFlags {
  readonly top: number;
  readonly vector?: true;
  readonly keyword?: true;
  readonly rerank?: true;
  readonly reranker?: string;
  readonly hidden?: true;
  /** `false` for --no-index. */
  readonly index?: string | false;
}

export function defineSearch(command: Command, context: Context): void {
  command
    .argument("<query>", "what to look for")
    .argument("[path...]", "files and folders (default: the current folder)")
    .option("-k, --top <n>", "passages to print", positiveInteger, 10)
    .addOption(new Option("--vector", "by meaning only").conflicts("keyword"))
    .option("--keyword", "by words only (BM25), without a model")
    .option("--rerank", "let a reranker judge the best by meaning and by words (score: its logit + 5 × cosine)")
    .option("--reranker <model>", "rerank with this checkpoint (default: the bundled demonstration model)")
    .option("--hidden", "also search files and folders whose name begins with a dot")
    .option("--index <folder>", "where to keep vectors (default: in the user's cache)")
    .option("--no-index", "keep no vectors")
    .action((query: string, paths: string[], flags: SearchFlags) => search(query, paths, flags, context));
  addModelOptions(addPromptOptions(command));
}

async function search(query: string, args: readonly string[], flags: SearchFlags, context: Context): Promise<void> {
  const notes = new Notes(context, flags);
  const began = performance.now();
  const paths = args.length === 0 ? ["."] : args;
  const { loadPassages } = await withPackage("ignore", () => import("./search/load-passages.ts"));
  const { files, passages } = await loadPassages(paths, {
    hidden: flags.hidden === true,
    signal: context.signal,
    onSkip: (path, reason) => notes.detail(`passed over ${path}: ${reason}`),
  });
  if (passages.length === 0) {
    throw new Qwen3Error("not-found", `no text found in ${paths.join(", ")}; --verbose tells what was passed over`);
  }
  const distinct = distinctPassages(passages);
  const { ranking, embedded } = await rank(query, distinct, { flags, paths, context, notes });
  const results = topResults(query, distinct, ranking, flags.top);
  if (flags.json === true) {
    const counts = { files, passages: passages.length, embedded };
    context.stdout.write(`${JSON.stringify({ query, ...counts, results })}\n`);
  } else {
    context.stdout.write(formatResults(results, new Set(queryTermsOf(query)), styleFor(context)));
  }
  const taken = formatSeconds(performance.now() - began);
  const found = results.length === 0 ? "nothing found in " : "";
  notes.note(
    `${found}${formatCount(passages.length)} passages of ${formatCount(files)} files, ${formatCount(embedded)} newly embedded, ${taken}`,
  );
}

interface SearchRun {
  readonly flags: SearchFlags;
  readonly paths: readonly string[];
  readonly context: Context;
  readonly notes: Notes;
}

async function rank(
  query: string,
  passages: readonly DistinctPassage[],
  run: SearchRun,
): Promise<{ ranking: RankedPassage[]; embedded: number }> {
  const { keyword, vector, rerank, reranker } = run.flags;
  const byWords = vector === true ? undefined : await keywordHits(query, passages);
  const byMeaning = keyword === true ? undefined : await meaningHits(query, passages, run);
  const embedded = byMeaning?.embedded ?? 0;
  const lists = { ...(byMeaning && { vector: byMeaning.hits }), ...(byWords && { keyword: byWords }) };
  if (rerank === true || reranker !== undefined)
    return { ranking: await rerankHits(query, passages, lists, run), embedded };
  if (byMeaning && byWords) return { ranking: joinByRank(lists), embedded };
  return { ranking: byMeaning ? single("vector", byMeaning.hits) : single("keyword", byWords ?? []), embedded };
}

async function rerankHits(
  query: string,
  passages: readonly DistinctPassage[],
  lists: RerankRun["lists"],
  { flags, context }: SearchRun,
): Promise<RankedPassage[]> {
  const { model: _, revision: __, lora: ___, reranker, ...others } = flags;
  using progress = await ProgressBars.create(context, flags);
  const { onProgress } = progress;
  const named = { ...others, ...(reranker !== undefined && { model: reranker }) };
  await using model = await loadRerankerModel(named, context, onProgress, "--reranker");
  const { top, instruction } = flags;
  return await rerankPassages(model, query, passages, { lists, top, instruction, signal: context.signal, onProgress });
}

/** One list alone keeps its own scores. */
function single(list: "vector" | "keyword", hits: readonly Hit[]): RankedPassage[] {
  return hits.map(({ index, score }, i) => ({ index, score, [list]: { rank: i + 1, score } }));
}

async function keywordHits(query: string, passages: readonly DistinctPassage[]): Promise<readonly Hit[]> {
  const { KeywordIndex } = await withPackage("minisearch", () => import("./search/keyword.ts"));
  return new KeywordIndex(passages.map(({ passage }) => passage)).search(query);
}

async function meaningHits(
  query: string,
  passages: readonly DistinctPassage[],
  { flags, paths, context, notes }: SearchRun,
): Promise<{ hits: Hit[]; embedded: number }> {
  const { signal, env } = context;
  using progress = await ProgressBars.create(context, flags);
  const { onProgress } = progress;
  await using model = await loadEmbeddingModel(flags, context, onProgress);
  const probe = await model.encodeDocument(PROBE, { signal });
  const { model: source, revision, lora, dtype } = flags;
  const identity = { source, revision, lora, device: model.device.kind, dtype };
  const file = flags.index === false ? undefined : indexFile(paths, identity, env, flags.index);
  const index = await VectorIndex.open(file, probe, (reason) => notes.note(`the index is made anew: ${reason}`));
  const onSaveFailure = (reason: string): void => notes.note(`the index could not be written: ${reason}`);
  const embedded = await embedPassages(model, passages, { index, signal, onProgress, onSaveFailure });
  const { promptName, prompt, instruction } = flags;
  const vector = await model.encodeQuery(query, { promptName, prompt, instruction, signal });
  return { hits: vectorHits(vector, vectorMatrix(passages, index, vector.length)), embedded };
}
