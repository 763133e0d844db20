import { finishVector } from "../model/pooling.ts";
import type { Tensor } from "../model/tensor.ts";
import { invalidInput, ServerError } from "./errors.ts";
import { Health } from "./health.ts";
import { type Computed, Lane } from "./lane.ts";
import type { Metrics, WorkKind } from "./metrics.ts";
import type { Embedder } from "./models.ts";
import type { Settings } from "./settings.ts";
import type { RequestStats } from "./stats.ts";
import type { Work } from "./batcher.ts";
import type { TextInput } from "./text-input.ts";
import { type ReadOptions, TextReader } from "./text-reader.ts";

export interface VectorOptions extends ReadOptions {
  /** @default true */
  readonly normalize?: boolean | undefined;
  /** @default all */
  readonly dimensions?: number | undefined;
}

export interface EmbedResult<Vector> {
  readonly vectors: readonly Vector[];
  readonly stats: RequestStats;
}

/** The embedding model behind its queues. */
export class EmbedService {
  readonly model: Embedder;
  readonly health: Health;
  readonly reader: TextReader;
  readonly #pooled: Lane<Work, Float32Array>;
  readonly #unpooled: Lane<Work, Tensor>;

  constructor(model: Embedder, settings: Settings, metrics: Metrics) {
    this.model = model;
    this.reader = new TextReader(model, model.prompts, settings);
    this.health = new Health(() => model.encodeIds([Uint32Array.of(0)], { normalize: true }));
    const lane = {
      kind: "embed" as WorkKind,
      maxBatchTokens: settings.batchTokens ?? model.maxBatchTokens,
      maxBatchTexts: settings.maxBatchRequests,
      metrics,
      health: this.health,
      logger: settings.logger,
    };
    this.#pooled = new Lane({ ...lane, run: (batch) => model.encodeIds(idsOf(batch), { normalize: false }) });
    this.#unpooled = new Lane({ ...lane, run: (batch) => model.tokenEmbeddings(idsOf(batch)) });
  }

  /** One vector per input. */
  async embed(
    inputs: readonly TextInput[],
    options: VectorOptions,
    signal: AbortSignal,
  ): Promise<EmbedResult<Float32Array>> {
    const { normalize = true, dimensions = this.model.dimensions } = options;
    if (dimensions === 0) throw invalidInput("`dimensions` should be positive");
    if (dimensions > this.model.dimensions)
      throw invalidInput("`dimensions` should be smaller than the maximum embedding dimension.");
    const { results, stats } = await this.#compute(this.#pooled, inputs, options, signal);
    const vectors = results.map((vector) => finishVector(vector, { dense: [], dimensions, normalize }));
    for (const vector of vectors) checkNumbers(vector);
    return { vectors, stats };
  }

  /** One vector per token of every input. */
  async embedAll(
    inputs: readonly TextInput[],
    options: ReadOptions,
    signal: AbortSignal,
  ): Promise<EmbedResult<Tensor>> {
    const { results, stats } = await this.#compute(this.#unpooled, inputs, options, signal);
    for (const { data } of results) checkNumbers(data);
    return { vectors: results, stats };
  }

  async close(): Promise<void> {
    await this.reader.close();
  }

  async #compute<Result>(
    lane: Lane<Work, Result>,
    inputs: readonly TextInput[],
    options: ReadOptions,
    signal: AbortSignal,
  ): Promise<{ readonly results: readonly Result[]; readonly stats: RequestStats }> {
    const startedAt = performance.now();
    const { sequences, characters } = await this.reader.read(inputs, options);
    const items = sequences.map((ids) => ({ ids }));
    const progress = { startedAt, tokenizedAt: performance.now() };
    const { results, ...times }: Computed<Result> = await lane.compute(items, progress, signal);
    return { results, stats: { characters, ...times } };
  }
}

function idsOf(batch: readonly Work[]): Uint32Array[] {
  return batch.map(({ ids }) => ids);
}

/** JSON would turn NaN and infinity into null, and base64 would pass them on. */
function checkNumbers(vector: Float32Array): void {
  if (vector.every(Number.isFinite)) return;
  throw new ServerError("Backend", "embedding is NaN", { label: "inference" });
}
