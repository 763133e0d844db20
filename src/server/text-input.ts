import type { Encoding, Tokenizer } from "../tokenizer/index.ts";
import { emptyInput, invalidInput } from "./errors.ts";
import { countCharacters, firstCharacters } from "./stats.ts";
import type { TokenizeJob } from "./tokenize/job.ts";
import type { Tokenizing } from "./tokenize/tokenizing.ts";

/** A text, or token ids of one. */
export type TextInput = string | readonly number[];

/** A text with more characters than this for each token it may have is too long before it is tokenised. TEI's bound. */
const CHARACTERS_PER_TOKEN = 250;

export interface TextOptions {
  /** Put before every text. */
  readonly prompt: string;
  /** Whether texts that are too long are cut; they are refused otherwise. */
  readonly truncate: boolean;
  readonly truncationSide: "left" | "right";
}

export interface TextLimits {
  /** Most tokens of a text. */
  readonly maxInputLength: number;
  readonly vocabSize: number;
}

/** The ids of every input as the model reads them, and the characters of all. */
export interface ReadInputs {
  readonly sequences: readonly Uint32Array[];
  readonly characters: number;
}

/** @throws ServerError naming what is wrong with the first input that cannot be used */
export async function readInputs(
  inputs: readonly TextInput[],
  options: TextOptions & TextLimits,
  tokenizing: Tokenizing,
): Promise<ReadInputs> {
  const { tokenizer } = tokenizing;
  const prepared = inputs.map((input) => {
    if (input.length === 0) throw emptyInput();
    if (typeof input === "string") return textJob(input, options);
    checkIds(input, options.vocabSize);
    if (options.prompt === "") return idsAsGiven(input, options, tokenizer);
    return textJob(tokenizer.decode(input, { skipSpecialTokens: true }), options);
  });
  const encoded = await tokenizing.run(prepared.filter((entry): entry is TokenizeJob => "text" in entry));
  const next = encoded.values();
  const sequences = prepared.map((entry) => ("text" in entry ? (next.next().value as Encoding) : entry).ids);
  for (const { length } of sequences) checkLength(length, options.maxInputLength);
  return { sequences, characters: inputs.reduce((sum, input) => sum + charactersOf(input), 0) };
}

function charactersOf(input: TextInput): number {
  return typeof input === "string" ? countCharacters(input) : input.length;
}

/** @returns the text, cut if it may be, so that no more is tokenised than can be used */
export function limitCharacters(text: string, truncate: boolean, maxInputLength: number): string {
  const limit = maxInputLength * CHARACTERS_PER_TOKEN;
  if (text.length <= limit) return text;
  const characters = countCharacters(text);
  if (characters <= limit) return text;
  if (truncate) return firstCharacters(text, limit);
  throw invalidInput(`\`inputs\` must have less than ${limit} characters. Given: ${characters}`);
}

export function checkLength(length: number, maxInputLength: number): void {
  if (length <= maxInputLength) return;
  throw invalidInput(`\`inputs\` must have less than ${maxInputLength} tokens. Given: ${length}`);
}

function textJob(
  text: string,
  { prompt, truncate, truncationSide, maxInputLength }: TextOptions & TextLimits,
): TokenizeJob {
  const limited = prompt + limitCharacters(text, truncate, maxInputLength);
  return { text: limited, truncationSide, ...(truncate && { maxLength: maxInputLength }) };
}

/** Ids are used as they are, but for what the tokenizer puts around every text: without its end token a vector is ruined. */
function idsAsGiven(
  input: readonly number[],
  { truncate, truncationSide, maxInputLength }: TextOptions & TextLimits,
  { template: { prefix, suffix } }: Tokenizer,
): { readonly ids: Uint32Array } {
  const start = startsWith(input, prefix) ? prefix.length : 0;
  const end = endsWith(input, suffix) ? input.length - suffix.length : input.length;
  let content = input.slice(start, end);
  const room = maxInputLength - prefix.length - suffix.length;
  if (truncate && content.length > room)
    content = truncationSide === "left" ? content.slice(content.length - room) : content.slice(0, room);
  return { ids: Uint32Array.from([...prefix, ...content, ...suffix]) };
}

function startsWith(ids: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((id, i) => ids[i] === id);
}

function endsWith(ids: readonly number[], suffix: readonly number[]): boolean {
  return suffix.every((id, i) => ids[ids.length - suffix.length + i] === id);
}

function checkIds(ids: readonly number[], vocabSize: number): void {
  const unknown = ids.find((id) => id >= vocabSize);
  if (unknown === undefined) return;
  throw invalidInput(`\`inputs\` has the token id ${unknown}; the model's vocabulary ends at ${vocabSize - 1}`);
}
