import type { Logger } from "./log.ts";

/** How a server behaves. Names and defaults are text-embeddings-inference's, in camel case. */
export interface ServerOptions {
  /** What `/info` says the embedding model is. @default the model's own name */
  readonly modelId?: string | undefined;
  /** The same of the reranker. @default the model's own name */
  readonly rerankerId?: string | undefined;
  /** `model_sha` of `/info`. @default null */
  readonly revision?: string | undefined;
  /** `model_dtype` of `/info`. @default "bfloat16" */
  readonly dtype?: string | undefined;
  /** The name that OpenAI's routes give the model. @default `modelId` */
  readonly servedModelName?: string | undefined;
  /** Texts under way at once; more are refused with 429. @default 512 */
  readonly maxConcurrentRequests?: number | undefined;
  /** Most tokens of a text, and of a batch if given. @default 16384, and as many per batch as suit the device */
  readonly maxBatchTokens?: number | undefined;
  /** Most texts of a batch. @default no limit */
  readonly maxBatchRequests?: number | undefined;
  /** Most texts of a request. @default 32 */
  readonly maxClientBatchSize?: number | undefined;
  /** Whether texts that are too long are cut, where a request does not say. @default true */
  readonly autoTruncate?: boolean | undefined;
  /** Put before every text, where a request names no prompt. */
  readonly defaultPrompt?: string | undefined;
  /** The same, by its name in the checkpoint's config_sentence_transformers.json. */
  readonly defaultPromptName?: string | undefined;
  /** Most bytes of a request's body. @default 2000000 */
  readonly payloadLimit?: number | undefined;
  /** Asked for as `Authorization: Bearer …` on all routes but health, metrics and the pages. @default none */
  readonly apiKey?: string | undefined;
  /** Origins whose pages may use the server, or `["*"]`. @default none */
  readonly corsAllowOrigin?: readonly string[] | undefined;
  /** Threads for tokenising long texts. @default 1 */
  readonly tokenizationWorkers?: number | undefined;
  /** @default silent */
  readonly logger?: Logger | undefined;
}
