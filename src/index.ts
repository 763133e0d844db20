export { Qwen3Error, type ErrorCode } from "./core/errors.ts";
export type {
  Activation,
  Backend,
  BackendKind,
  DecoderShape,
  DeviceInfo,
  KvCache,
  KvCacheSize,
  KvCacheUse,
  Matrix,
  MatrixSource,
  MemoryUse,
  Norm,
  Ops,
  Recording,
  Segment,
} from "./kernels/backend.ts";
export { type BackendOptions, createBackend } from "./kernels/create-backend.ts";
export { capturePaths } from "./model/capture.ts";
export {
  type BackendAgreement,
  compareBackends,
  type CompareOptions,
  type ModuleAgreement,
} from "./model/compare-backends.ts";
export type { Qwen3Config } from "./model/config.ts";
export { EmbeddingModel } from "./model/embedding-model.ts";
export type { EncodeOptions } from "./model/encode-options.ts";
export type { LoadOptions } from "./model/load-options.ts";
export type { OnProgress, Progress } from "./model/progress.ts";
export {
  type Precision,
  type QuantizationOptions,
  quantizationRanges,
  type QuantizationRanges,
  quantizeEmbeddings,
  type VectorOf,
} from "./model/quantize-embeddings.ts";
export type { ForwardOptions, ForwardResult } from "./model/qwen3-model.ts";
export type { PairOptions } from "./model/rerank-prompt.ts";
export type { ChatMessage, ChatOptions, ChatTemplateOptions } from "./model/generation/chat-template.ts";
export { CausalModel, type Prompt } from "./model/causal-model.ts";
export type { GenerateOptions } from "./model/generation/generate-options.ts";
export type { GeneratedToken } from "./model/generation/sequence.ts";
export { type RankedDocument, type RankOptions, RerankerModel, type RerankOptions } from "./model/reranker-model.ts";
export type { Tensor } from "./model/tensor.ts";
