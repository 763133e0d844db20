import { probabilityOf } from "../model/judge.ts";
import type { Work } from "./batcher.ts";
import { ServerError } from "./errors.ts";
import { Health } from "./health.ts";
import { Lane } from "./lane.ts";
import type { Metrics } from "./metrics.ts";
import type { Scorer } from "./models.ts";
import type { Settings } from "./settings.ts";
import type { RequestStats } from "./stats.ts";
import { type Pair, type PairOptions, TextReader } from "./text-reader.ts";

/** Pairs of the same query are computed together where they meet in a batch. */
interface PairWork extends Work {
  readonly query: string;
}

export interface ScoreOptions extends PairOptions {
  /** @default false */
  readonly rawScores?: boolean | undefined;
}

export interface ScoreResult {
  /** In the order of the pairs. */
  readonly scores: readonly number[];
  readonly stats: RequestStats;
}

/** The reranker behind its queue. */
export class RerankService {
  readonly model: Scorer;
  readonly health: Health;
  readonly reader: TextReader;
  readonly #lane: Lane<PairWork, number>;

  constructor(model: Scorer, settings: Settings, metrics: Metrics) {
    this.model = model;
    this.reader = new TextReader(model, new Map(), settings);
    this.health = new Health(() => model.logits([Uint32Array.of(0)], [""]));
    this.#lane = new Lane({
      kind: "predict",
      run: async (batch) => {
        const sequences = batch.map(({ ids }) => ids);
        const queries = batch.map(({ query }) => query);
        return Array.from(await model.logits(sequences, queries));
      },
      maxBatchTokens: settings.batchTokens ?? model.maxBatchTokens,
      maxBatchTexts: settings.maxBatchRequests,
      metrics,
      health: this.health,
      logger: settings.logger,
    });
  }

  /** P(yes) of every pair, or with `rawScores` the logit of it. */
  async score(pairs: readonly Pair[], options: ScoreOptions, signal: AbortSignal): Promise<ScoreResult> {
    const startedAt = performance.now();
    const { sequences, characters } = await this.reader.readPairs(pairs, options);
    const items = sequences.map((ids, i) => ({ ids, query: pairs[i]?.query ?? "" }));
    const progress = { startedAt, tokenizedAt: performance.now() };
    const { results, ...times } = await this.#lane.compute(items, progress, signal);
    const scores = options.rawScores === true ? results : results.map(probabilityOf);
    if (!scores.every(Number.isFinite)) throw new ServerError("Backend", "score is NaN", { label: "inference" });
    return { scores, stats: { characters, ...times } };
  }

  async close(): Promise<void> {
    await this.reader.close();
  }
}
