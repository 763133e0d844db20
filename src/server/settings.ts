import { Qwen3Error } from "../core/errors.ts";
import { SILENT, type Logger } from "./log.ts";
import type { Models } from "./models.ts";
import type { ServerOptions } from "./options.ts";

const DEFAULT_MAX_BATCH_TOKENS = 16_384;

/** The options that hold for every model, checked, with their defaults. */
export interface Settings {
  readonly maxConcurrentRequests: number;
  /** Most tokens of a text. */
  readonly maxBatchTokens: number;
  /** Only if it was given; a batch otherwise has as many tokens as suit the device. */
  readonly batchTokens: number | undefined;
  readonly maxBatchRequests: number | undefined;
  readonly maxClientBatchSize: number;
  readonly autoTruncate: boolean;
  readonly defaultPrompt: string;
  readonly payloadLimit: number;
  readonly apiKey: string | undefined;
  readonly corsAllowOrigin: readonly string[];
  readonly tokenizationWorkers: number;
  readonly logger: Logger;
}

/** @throws Qwen3Error `invalid-argument` naming the option, its value and what it may be */
export function checkSettings(options: ServerOptions, models: Models): Settings {
  if (!models.embedding && !models.reranker) {
    throw new Qwen3Error("invalid-argument", "no model to serve; expected an embedding model, a reranker or both");
  }
  const maxBatchTokens = count("maxBatchTokens", options.maxBatchTokens, DEFAULT_MAX_BATCH_TOKENS);
  const settings: Settings = {
    maxBatchTokens,
    batchTokens: options.maxBatchTokens,
    maxBatchRequests:
      options.maxBatchRequests === undefined ? undefined : count("maxBatchRequests", options.maxBatchRequests, 1),
    maxConcurrentRequests: count("maxConcurrentRequests", options.maxConcurrentRequests, 512),
    maxClientBatchSize: count("maxClientBatchSize", options.maxClientBatchSize, 32),
    autoTruncate: options.autoTruncate ?? true,
    defaultPrompt: defaultPrompt(options, models),
    payloadLimit: count("payloadLimit", options.payloadLimit, 2_000_000),
    apiKey: options.apiKey,
    corsAllowOrigin: options.corsAllowOrigin ?? [],
    tokenizationWorkers: count("tokenizationWorkers", options.tokenizationWorkers, 1),
    logger: options.logger ?? SILENT,
  };
  if (options.apiKey === "") throw new Qwen3Error("invalid-argument", "apiKey is empty; leave it out to need none");
  refuseSilentTruncation(settings, models);
  return settings;
}

function count(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Qwen3Error("invalid-argument", `${name} is ${value}; expected a whole number of at least 1`);
}

function defaultPrompt(
  { defaultPrompt: prompt, defaultPromptName: name }: ServerOptions,
  { embedding }: Models,
): string {
  if (prompt !== undefined && name !== undefined) {
    throw new Qwen3Error("invalid-argument", "defaultPrompt and defaultPromptName are given together; choose one");
  }
  if (name === undefined) return prompt ?? "";
  const named = embedding?.prompts.get(name);
  if (named === undefined) throw new Qwen3Error("invalid-argument", unknownPrompt(name, embedding?.prompts));
  return named;
}

/** In TEI's words, which it uses for the option and for a request's `prompt_name` alike. */
export function unknownPrompt(name: string, prompts: ReadonlyMap<string, string> = new Map()): string {
  const set = `\`default-prompt-name\` is set to \`${name}\``;
  if (prompts.size === 0) return `${set} but no prompts were found in the Sentence Transformers configuration`;
  const known = [...prompts.keys()].map((key) => JSON.stringify(key)).join(", ");
  return `${set} but it was not found in the Sentence Transformers prompts. Available prompts: [${known}]`;
}

/** Who turns truncation off must not have texts cut because a batch is smaller than the model's limit. */
function refuseSilentTruncation({ autoTruncate, maxBatchTokens }: Settings, { embedding, reranker }: Models): void {
  if (autoTruncate) return;
  for (const model of [embedding, reranker]) {
    if (!model || model.maxLength <= maxBatchTokens) continue;
    const message = `${model.name} takes ${model.maxLength} tokens, more than maxBatchTokens (${maxBatchTokens}); raise maxBatchTokens, or let autoTruncate be true`;
    throw new Qwen3Error("invalid-argument", message);
  }
}
