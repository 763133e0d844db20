import { type Command, InvalidArgumentError } from "commander";
import type { CausalModel, ChatMessage, GeneratedToken, Prompt } from "../index.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { loadCausalModel } from "./load-model.ts";
import { Notes } from "./notes.ts";
import { addModelOptions, type ModelOptions, positiveInteger } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { formatSeconds, printable } from "./terminal.ts";
import { readTexts } from "./texts.ts";

interface GenerateFlags extends ModelOptions {
  readonly system?: string;
  readonly raw?: true;
  /** `false` for --no-thinking. */
  readonly thinking: boolean;
  readonly maxNewTokens?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly ignoreEos?: true;
}

export function defineGenerate(command: Command, context: Context): void {
  command
    .argument("<prompt>", "what to answer or continue; - reads it from standard input")
    .option("--system <text>", "a system message before the prompt")
    .option("--raw", "continue the prompt as it is, without the model's chat template")
    .option("--no-thinking", "answer at once, where the chat template knows the difference")
    .option("-n, --max-new-tokens <n>", "most tokens to generate (default: the context's room)", positiveInteger)
    .option("-t, --temperature <x>", "0 for the likeliest token always (default: the model's)", number)
    .option("--top-k <n>", "choose among the n likeliest tokens, 0 for all (default: the model's)", number)
    .option("--top-p <x>", "choose among tokens that together have this probability (default: the model's)", number)
    .option("--min-p <x>", "choose among tokens at least this share as likely as the likeliest", number)
    .option("--repetition-penalty <x>", "above 1 repeats less", number)
    .option("--seed <n>", "repeats a sampled text", number)
    .option("--stop <text...>", "end before this text")
    .option("--ignore-eos", "go on where the model would end")
    .action((prompt: string, flags: GenerateFlags) => generate(prompt, flags, context));
  addModelOptions(command);
}

async function generate(argument: string, flags: GenerateFlags, context: Context): Promise<void> {
  const { stdout, signal } = context;
  const [text = ""] = await readTexts([argument], flags, context);
  using progress = await ProgressBars.create(context, flags);
  const began = performance.now();
  await using model = await loadCausalModel(flags, context, progress.onProgress);
  progress.stop();
  const timer = new Timer(performance.now() - began);
  const tokens: GeneratedToken[] = [];
  const prompt = promptOf(text, model, flags);
  for await (const token of model.generate(prompt, { ...optionsOf(flags), signal })) {
    timer.token();
    tokens.push(token);
    if (flags.json !== true) stdout.write(stdout.isTTY ? printable(token.text) : token.text);
  }
  stdout.write(flags.json === true ? `${JSON.stringify(report(tokens, timer))}\n` : "\n");
  const { prefillMs, decodeMs, tokensPerSecond } = timer.timings;
  const speed = tokens.length > 1 ? `, then ${tokensPerSecond.toFixed(1)} tokens/s` : "";
  new Notes(context, flags).detail(
    `${tokens.length} tokens: the first after ${formatSeconds(prefillMs)}${speed}, ${formatSeconds(prefillMs + decodeMs)} in all`,
  );
}

/** A conversation where the model has a template for one. */
function promptOf(text: string, { hasChatTemplate }: CausalModel, { raw, system }: GenerateFlags): Prompt {
  if (raw === true || (!hasChatTemplate && system === undefined)) {
    if (system !== undefined) throw new UsageError("--system and --raw contradict each other");
    return text;
  }
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
  return [...messages, { role: "user", content: text }];
}

function optionsOf(flags: GenerateFlags): Parameters<CausalModel["generate"]>[1] {
  const { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop, thinking } = flags;
  const sampling = { temperature, topK, topP, minP, repetitionPenalty, seed };
  const enableThinking = thinking ? undefined : false;
  return { ...sampling, maxNewTokens, stop, enableThinking, ignoreEos: flags.ignoreEos === true };
}

function report(tokens: readonly GeneratedToken[], { timings }: Timer): object {
  return {
    text: tokens.map(({ text }) => text).join(""),
    ids: tokens.map(({ id }) => id),
    logprobs: tokens.map(({ logprob }) => logprob),
    finishReason: tokens.at(-1)?.finishReason,
    timings,
  };
}

/** When tokens came. */
class Timer {
  readonly #loadMs: number;
  readonly #began = performance.now();
  #first = 0;
  #last = 0;
  #count = 0;

  constructor(loadMs: number) {
    this.#loadMs = loadMs;
  }

  token(): void {
    this.#last = performance.now();
    if (this.#count++ === 0) this.#first = this.#last;
  }

  get timings(): {
    readonly loadMs: number;
    /** Until the first token. */
    readonly prefillMs: number;
    /** From the first to the last. */
    readonly decodeMs: number;
    /** Of all but the first. */
    readonly tokensPerSecond: number;
  } {
    const decodeMs = this.#last - this.#first;
    return {
      loadMs: this.#loadMs,
      prefillMs: this.#count === 0 ? 0 : this.#first - this.#began,
      decodeMs,
      tokensPerSecond: this.#count > 1 ? (1000 * (this.#count - 1)) / decodeMs : 0,
    };
  }
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("Expected a number.");
  return value;
}
