import { checkInteger, checkText, wrongArgument } from "../arguments.ts";
import type { ChatOptions } from "./chat-template.ts";
import type { GenerationDefaults } from "./generation-config.ts";

/** How text is generated. What is not given is as the checkpoint's generation_config.json says, and greedy without one. */
export interface GenerateOptions extends ChatOptions {
  /** Most tokens to generate. @default as many as the context has room for */
  readonly maxNewTokens?: number | undefined;
  /** Go on behind tokens that end a text. @default false */
  readonly ignoreEos?: boolean | undefined;
  /** 0 always takes the likeliest token; higher values flatten the distribution. */
  readonly temperature?: number | undefined;
  /** Choose among this many likeliest tokens; 0 for all. Up to 64 are found where the model runs. */
  readonly topK?: number | undefined;
  /** Choose among the likeliest tokens whose probabilities together reach this. */
  readonly topP?: number | undefined;
  /** Choose among tokens at least this share as likely as the likeliest. */
  readonly minP?: number | undefined;
  /** Divides (where negative, multiplies) the logits of all tokens seen so far; 1 for none. */
  readonly repetitionPenalty?: number | undefined;
  /** The same seed gives the same text. @default another one every time */
  readonly seed?: number | undefined;
  /** Strings that end a text and are not part of it. */
  readonly stop?: string | readonly string[] | undefined;
  /** Stops between tokens; the iteration throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options with every default filled in. */
export interface CheckedGenerateOptions {
  readonly maxNewTokens: number | undefined;
  /** Empty if they are ignored. */
  readonly eosTokenIds: ReadonlySet<number>;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly seed: number;
  readonly stop: readonly string[];
}

/** @throws Qwen3Error `invalid-argument` naming the option, its value and what it may be */
export function checkGenerateOptions(options: GenerateOptions, defaults: GenerationDefaults): CheckedGenerateOptions {
  const { maxNewTokens, ignoreEos = false, seed = randomSeed() } = options;
  const stop = typeof options.stop === "string" ? [options.stop] : (options.stop ?? []);
  for (const [i, text] of stop.entries()) {
    checkText(`stop[${i}]`, text);
    if (text === "") throw wrongArgument(`stop[${i}]`, text, "at least one character");
  }
  if (maxNewTokens !== undefined) checkInteger("maxNewTokens", maxNewTokens);
  if (!Number.isSafeInteger(seed)) throw wrongArgument("seed", seed, "a whole number");
  const temperature = options.temperature ?? defaults.temperature;
  checkRange("temperature", temperature, [0, Infinity]);
  const topK = options.topK ?? defaults.topK;
  if (topK !== 0) checkInteger("topK", topK);
  return {
    maxNewTokens,
    eosTokenIds: new Set(ignoreEos ? [] : defaults.eosTokenIds),
    temperature,
    topK: temperature === 0 ? 1 : topK,
    topP: checkRange("topP", options.topP ?? defaults.topP, [0, 1]),
    minP: checkRange("minP", options.minP ?? defaults.minP, [0, 1]),
    repetitionPenalty: checkRange("repetitionPenalty", options.repetitionPenalty ?? defaults.repetitionPenalty, [
      Number.MIN_VALUE,
      Infinity,
    ]),
    seed,
    stop,
  };
}

function checkRange(name: string, value: unknown, [least, most]: readonly [number, number]): number {
  if (typeof value === "number" && value >= least && value <= most && Number.isFinite(value)) return value;
  const range = most === Infinity ? (least === 0 ? "of at least 0" : "above 0") : `from ${least} to ${most}`;
  throw wrongArgument(name, value, `a number ${range}`);
}

function randomSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
  return seed;
}
