import { DEFAULT_RERANKER } from "../weights/index.ts";
import { checkInteger, checkList, checkText } from "./arguments.ts";
import { type Judge, loadJudge, probabilityOf, readAnswers } from "./judge.ts";
import { loadModel } from "./load-model.ts";
import type { LoadOptions } from "./load-options.ts";
import { type PairScore, PairScorer } from "./pair-scorer.ts";
import type { OnProgress } from "./progress.ts";
import { type ModelParts, Qwen3Model } from "./qwen3-model.ts";
import { type PairOptions, RerankPrompt } from "./rerank-prompt.ts";
import { groupByPrefix } from "./shared-prefix.ts";
import { UniquePairs } from "./unique-pairs.ts";

/** As the official code; the models know positions far beyond it. */
const OFFICIAL_MAX_LENGTH = 8192;

/** What documents of a call usually share: system text, instruction and a query. */
const PREFIX_TOKENS = 256;

/** How pairs become scores. */
export interface RerankOptions extends PairOptions {
  /** Most tokens computed at once, not counting what all documents of a query share. @default as loaded */
  readonly maxBatchTokens?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Stops between batches; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface RankOptions extends RerankOptions {
  /** Keep only the best. @default all */
  readonly topK?: number | undefined;
  /** Put each document's text beside its score. @default false */
  readonly returnDocuments?: boolean | undefined;
}

/** A document's place in a ranking. */
export interface RankedDocument {
  /** In the list of documents given. */
  readonly index: number;
  /** P(yes): from 0 to 1. */
  readonly score: number;
  /** Only with `returnDocuments`. */
  readonly document?: string;
}

/** Judges how well documents answer queries, with the scores of Qwen3-Reranker's official transformers code. */
export class RerankerModel extends Qwen3Model {
  readonly #judge: Judge;
  #prompt: RerankPrompt | undefined;

  private constructor(parts: ModelParts, judge: Judge) {
    super(parts);
    this.#judge = judge;
  }

  /**
   * @param source a checkpoint folder, or a hub id such as `Qwen/Qwen3-Reranker-0.6B`. @default the bundled tiny model,
   * a demonstration
   */
  static async load(source: string = DEFAULT_RERANKER, options: LoadOptions = {}): Promise<RerankerModel> {
    const { parts, extra } = await loadModel(source, options, {
      readExtra: readAnswers,
      cacheTokens: (maxBatchTokens) => maxBatchTokens + PREFIX_TOKENS,
    });
    try {
      return new RerankerModel(parts, await loadJudge(extra, parts.head));
    } catch (error) {
      await parts.close();
      throw error;
    }
  }

  /** Most tokens of a pair, the prompt included. */
  get maxLength(): number {
    return Math.min(this.parts.maxLength, OFFICIAL_MAX_LENGTH);
  }

  /**
   * The token ids that are scored for a pair: prompt, instruction, query and document, cut to `maxLength`.
   *
   * @throws Qwen3Error `invalid-argument` if `maxLength` has no room for the prompt
   */
  encodePair(query: string, document: string, options: PairOptions = {}): Uint32Array {
    checkText("query", query);
    checkText("document", document);
    return this.#encode(query, document, options);
  }

  /**
   * P(yes) of every pair, in the order given. A pair's score does not depend on the pairs around it.
   *
   * @param pairs `[query, document]`
   * @throws Qwen3Error `invalid-argument` naming the option or the pair that cannot be used
   */
  async score(
    pairs: readonly (readonly [query: string, document: string])[],
    options: RerankOptions = {},
  ): Promise<Float32Array> {
    checkList("pairs", pairs, "a list of [query, document] pairs");
    for (const [i, pair] of pairs.entries()) {
      checkList(`pairs[${i}]`, pair, "a query and a document");
      checkText(`pairs[${i}][0]`, pair[0]);
      checkText(`pairs[${i}][1]`, pair[1]);
    }
    return Float32Array.from(await this.#scorePairs(pairs, options));
  }

  /**
   * Documents by how well they answer a query, best first; equal ones in the order given.
   *
   * @throws Qwen3Error `invalid-argument` naming the option or the document that cannot be used
   */
  async rank(query: string, documents: readonly string[], options: RankOptions = {}): Promise<RankedDocument[]> {
    checkText("query", query);
    checkList("documents", documents, "a list of strings");
    for (const [i, document] of documents.entries()) checkText(`documents[${i}]`, document);
    const { returnDocuments = false } = options;
    const most = checkInteger("topK", options.topK ?? Math.max(1, documents.length));
    const scores = await this.#scorePairs(
      documents.map((document) => [query, document] as const),
      options,
    );
    const ranked = scores.map((score, index) => ({ index, score }));
    const best = ranked.sort((a, b) => b.score - a.score || a.index - b.index).slice(0, most);
    if (!returnDocuments) return best;
    return best.map(({ index, score }) => ({ index, score, document: documents[index] ?? "" }));
  }

  /**
   * The logit of yes minus that of no for pairs that `encodePair` made, computed together: for callers that tokenise and
   * make up batches themselves, as a server does. `score` gives the sigmoid of the same.
   *
   * @param queries of each pair: what pairs of the same query share is computed once
   */
  async logits(sequences: readonly Uint32Array[], queries: readonly string[]): Promise<Float64Array> {
    const { maxBatchTokens } = this.parts;
    const logits = new Float64Array(sequences.length).fill(Number.NaN);
    for await (const batch of this.#scorer().score(sequences, groupByPrefix(sequences, queries), { maxBatchTokens })) {
      for (const { index, logit } of batch) logits[index] = logit;
    }
    return logits;
  }

  async #scorePairs(pairs: readonly (readonly [string, string])[], options: RerankOptions): Promise<number[]> {
    const { signal, onProgress } = options;
    const { maxBatchTokens: most } = this.parts;
    const maxBatchTokens = checkInteger("maxBatchTokens", options.maxBatchTokens ?? most);
    if (options.instruction !== undefined) checkText("instruction", options.instruction);
    signal?.throwIfAborted();
    const unique = new UniquePairs(pairs);
    const sequences = unique.pairs.map(([query, document]) => this.#encode(query, document, options));
    const groups = groupByPrefix(
      sequences,
      unique.pairs.map(([query]) => query),
    );
    const scores = Array.from(pairs, () => Number.NaN);
    let completed = 0;
    for await (const batch of this.#scorer().score(sequences, groups, { maxBatchTokens, signal })) {
      completed += spread(batch, unique, scores);
      onProgress?.({ stage: "rerank", completed, total: pairs.length, unit: "pairs" });
    }
    return scores;
  }

  #scorer(): PairScorer {
    return new PairScorer(this.parts, this.#judge);
  }

  #encode(query: string, document: string, options: PairOptions): Uint32Array {
    this.#prompt ??= new RerankPrompt(this.tokenizer);
    const maxLength = checkInteger("maxLength", options.maxLength ?? this.maxLength, this.parts.maxLength);
    return this.#prompt.encode(query, document, { ...options, maxLength });
  }
}

/** Writes scores to all places of their pairs. @returns how many */
function spread(batch: readonly PairScore[], { places }: UniquePairs, scores: number[]): number {
  let count = 0;
  for (const { index, logit } of batch) {
    for (const place of places[index] ?? []) {
      scores[place] = probabilityOf(logit);
      count++;
    }
  }
  return count;
}
