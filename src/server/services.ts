import { Admission } from "./admission.ts";
import { EmbedService } from "./embed-service.ts";
import { wrongModel } from "./errors.ts";
import { Metrics } from "./metrics.ts";
import type { Models } from "./models.ts";
import type { ServerOptions } from "./options.ts";
import { RerankService } from "./rerank-service.ts";
import { checkSettings, type Settings } from "./settings.ts";
import type { TextReader } from "./text-reader.ts";
import { packageVersion } from "./version.ts";

/** How a model is called: its id, and the name under which clients ask for it. */
export interface ServedName {
  readonly id: string;
  readonly served: string;
}

/** All that routes work with. */
export class Services {
  readonly options: ServerOptions;
  readonly settings: Settings;
  readonly version: string = packageVersion();
  /** Seconds since 1970. */
  readonly startedAt: number = Math.floor(Date.now() / 1000);
  readonly metrics: Metrics;
  readonly admission: Admission;
  readonly embedding: EmbedService | undefined;
  readonly reranker: RerankService | undefined;

  constructor(models: Models, options: ServerOptions) {
    this.options = options;
    this.settings = checkSettings(options, models);
    this.metrics = new Metrics(this.settings.maxBatchTokens);
    this.admission = new Admission(this.settings.maxConcurrentRequests);
    const { embedding, reranker } = models;
    this.embedding = embedding && new EmbedService(embedding, this.settings, this.metrics);
    this.reranker = reranker && new RerankService(reranker, this.settings, this.metrics);
  }

  /** @throws ServerError in TEI's words if there is no embedding model */
  get embedder(): EmbedService {
    if (this.embedding) return this.embedding;
    throw wrongModel("Model is not an embedding model");
  }

  /** @throws ServerError in TEI's words if there is no reranker */
  get scorer(): RerankService {
    if (this.reranker) return this.reranker;
    throw wrongModel("model is not a re-ranker model");
  }

  /** Of the embedding model if there is one. */
  get reader(): TextReader {
    return (this.embedding ?? this.scorer).reader;
  }

  /** Of the embedding model if there is one, else of the reranker. */
  get name(): ServedName {
    if (!this.embedding) return this.rerankerName;
    const id = this.options.modelId ?? this.embedding.model.name;
    return { id, served: this.options.servedModelName ?? id };
  }

  get rerankerName(): ServedName {
    const id = this.options.rerankerId ?? this.scorer.model.name;
    return { id, served: this.embedding ? id : (this.options.servedModelName ?? id) };
  }

  async healthy(): Promise<boolean> {
    const services = [this.embedding, this.reranker].filter((service) => service !== undefined);
    return (await Promise.all(services.map(({ health }) => health.check()))).every(Boolean);
  }

  async close(): Promise<void> {
    await Promise.all([this.embedding?.close(), this.reranker?.close()]);
  }
}
