import { Batcher, type Work } from "./batcher.ts";
import { backendFailure, ServerError } from "./errors.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./log.ts";
import type { Metrics, WorkKind } from "./metrics.ts";
import { mean } from "./stats.ts";

export interface LaneOptions<Item extends Work, Result> {
  readonly kind: WorkKind;
  readonly run: (batch: readonly Item[]) => Promise<readonly Result[]>;
  readonly maxBatchTokens: number;
  readonly maxBatchTexts: number | undefined;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly logger: Logger;
}

/** What a request's texts became, and how long it took. */
export interface Computed<Result> {
  readonly results: readonly Result[];
  readonly tokens: number;
  readonly tokenizationMs: number;
  readonly queueMs: number;
  readonly inferenceMs: number;
}

/** When a request began and was tokenised, by performance.now(). */
export interface Progress {
  readonly startedAt: number;
  readonly tokenizedAt: number;
}

/** One kind of work on one model: a queue, with its metrics, the model's health, and failures that clients may see. */
export class Lane<Item extends Work, Result> {
  readonly #options: LaneOptions<Item, Result>;
  readonly #batcher: Batcher<Item, Result>;

  constructor(options: LaneOptions<Item, Result>) {
    const { run, maxBatchTokens, maxBatchTexts, metrics, health, logger } = options;
    this.#options = options;
    this.#batcher = new Batcher({
      run,
      maxBatchTokens,
      maxBatchTexts,
      observer: {
        waiting: (change) => metrics.waiting(change),
        started: (batch) => {
          health.started();
          metrics.batchStarted(batch);
        },
        finished: (error) => {
          health.finished(error);
          if (error !== undefined) logger.error({ err: error }, "a batch failed");
        },
        dropped: (texts) => metrics.failed("dropped", texts),
      },
    });
  }

  async compute(items: readonly Item[], progress: Progress, signal: AbortSignal): Promise<Computed<Result>> {
    const { kind, metrics } = this.#options;
    for (const { ids } of items) metrics.queued(kind, ids.length);
    const answers = await this.#submit(items, signal);
    const tokenizationMs = progress.tokenizedAt - progress.startedAt;
    const totalMs = performance.now() - progress.startedAt;
    for (const { queueMs, inferenceMs } of answers) {
      metrics.computed(kind, totalMs, { tokenizationMs, queueMs, inferenceMs });
    }
    return {
      results: answers.map(({ result }) => result),
      tokens: items.reduce((sum, { ids }) => sum + ids.length, 0),
      tokenizationMs,
      queueMs: mean(answers.map(({ queueMs }) => queueMs)),
      inferenceMs: mean(answers.map(({ inferenceMs }) => inferenceMs)),
    };
  }

  async #submit(items: readonly Item[], signal: AbortSignal): ReturnType<Batcher<Item, Result>["submit"]> {
    try {
      return await this.#batcher.submit(items, signal);
    } catch (error) {
      if (signal.aborted || error instanceof ServerError) throw error;
      throw backendFailure(error);
    }
  }
}
