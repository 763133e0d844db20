import { Qwen3Error } from "../core/errors.ts";
import type { SentenceTransformersConfig } from "./sentence-transformers-config.ts";

/** At most one of the three. */
export interface PromptOptions {
  /** A name from the checkpoint's config_sentence_transformers.json. */
  readonly promptName?: string | undefined;
  /** Put before every text as it is. */
  readonly prompt?: string | undefined;
  /** A task in one sentence: becomes `Instruct: {instruction}\nQuery:`, as Qwen3-Embedding was trained. */
  readonly instruction?: string | undefined;
}

/**
 * The prefix to put before every text.
 *
 * @throws Qwen3Error `invalid-argument` if several options are given, or the name is unknown
 */
export function resolvePrompt(
  options: PromptOptions,
  { prompts, defaultPromptName }: SentenceTransformersConfig,
): string {
  const { promptName, prompt, instruction } = options;
  const given = Object.entries({ promptName, prompt, instruction }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(" and ");
    throw new Qwen3Error(
      "invalid-argument",
      `${names} are given together; choose one of promptName, prompt and instruction`,
    );
  }
  for (const [name, value] of given) {
    if (typeof value !== "string")
      throw new Qwen3Error("invalid-argument", `${name} is a ${typeof value}; expected a string`);
  }
  if (prompt !== undefined) return prompt;
  if (instruction !== undefined) return queryPrompt(instruction);
  const name = promptName ?? defaultPromptName;
  if (name === undefined) return "";
  const named = prompts.get(name);
  if (named !== undefined) return named;
  const known =
    prompts.size > 0 ? `it has ${[...prompts.keys()].join(", ")}` : "it has none; use prompt or instruction";
  throw new Qwen3Error("invalid-argument", `no prompt named '${name}' in this checkpoint; ${known}`);
}

/** No space after `Query:`; with one the vectors differ from those of every other engine. */
function queryPrompt(instruction: string): string {
  return `Instruct: ${instruction}\nQuery:`;
}
