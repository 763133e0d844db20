import { checkInteger, wrongArgument } from "./arguments.ts";
import type { OnProgress } from "./progress.ts";
import type { PromptOptions } from "./prompts.ts";
import type { Precision, QuantizationOptions } from "./quantize-embeddings.ts";

/** How texts become vectors. */
export interface EncodeOptions<P extends Precision = Precision> extends PromptOptions, QuantizationOptions {
  /** Keep only the first dimensions (Matryoshka), before normalising. @default all */
  readonly dimensions?: number | undefined;
  /** Scale every vector to length 1. @default true */
  readonly normalize?: boolean | undefined;
  /** Most tokens of a text, prompt and end token included. @default the model's limit */
  readonly maxLength?: number | undefined;
  /** Which end of a longer text is cut; `false` makes it an error. @default "end" */
  readonly truncate?: "end" | "start" | false | undefined;
  /** @default "float32" */
  readonly precision?: P | undefined;
  /** Most tokens computed at once. @default as loaded */
  readonly maxBatchTokens?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Stops between batches; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface EncodeLimits {
  readonly dimensions: number;
  readonly maxLength: number;
  readonly maxBatchTokens: number;
}

/** Options with every default filled in. */
export interface CheckedEncodeOptions {
  readonly dimensions: number;
  readonly normalize: boolean;
  readonly maxLength: number;
  readonly truncate: "end" | "start" | false;
  readonly maxBatchTokens: number;
}

/** @throws Qwen3Error `invalid-argument` naming the option, its value and what it may be */
export function checkEncodeOptions(options: EncodeOptions, limits: EncodeLimits): CheckedEncodeOptions {
  const { truncate = "end", normalize = true } = options;
  if (!["end", "start", false].includes(truncate)) throw wrongArgument("truncate", truncate, '"end", "start" or false');
  if (typeof normalize !== "boolean") throw wrongArgument("normalize", normalize, "true or false");
  return {
    truncate,
    normalize,
    dimensions: checkInteger("dimensions", options.dimensions ?? limits.dimensions, limits.dimensions),
    maxLength: checkInteger("maxLength", options.maxLength ?? limits.maxLength, limits.maxLength),
    maxBatchTokens: checkInteger("maxBatchTokens", options.maxBatchTokens ?? limits.maxBatchTokens),
  };
}
