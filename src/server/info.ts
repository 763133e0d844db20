import { LABEL } from "./routes/rerank.ts";
import type { Services } from "./services.ts";

const RERANKER_TYPE = { reranker: { id2label: { "0": LABEL }, label2id: { [LABEL]: 0 } } } as const;

/** What `/info` says: TEI's fields, of the embedding model if there is one; `reranker` only where both are served. */
export function serverInfo(services: Services): Readonly<Record<string, unknown>> {
  const { settings, options, embedding, reranker, name } = services;
  const pooling = embedding?.model.pooling === "mean" ? "mean" : "last_token";
  return {
    model_id: name.id,
    model_sha: options.revision ?? null,
    model_dtype: options.dtype ?? "bfloat16",
    served_model_name: name.served,
    model_type: embedding ? { embedding: { pooling } } : RERANKER_TYPE,
    max_concurrent_requests: settings.maxConcurrentRequests,
    max_input_length: services.reader.maxInputLength,
    max_batch_tokens: settings.maxBatchTokens,
    max_batch_requests: settings.maxBatchRequests ?? null,
    max_client_batch_size: settings.maxClientBatchSize,
    auto_truncate: settings.autoTruncate,
    tokenization_workers: settings.tokenizationWorkers,
    version: services.version,
    sha: null,
    docker_label: null,
    ...(embedding &&
      reranker && {
        reranker: {
          model_id: services.rerankerName.id,
          served_model_name: services.rerankerName.served,
          model_type: RERANKER_TYPE,
          max_input_length: reranker.reader.maxInputLength,
        },
      }),
  };
}
