import { wrongArgument } from "../arguments.ts";
import type { Qwen3Config } from "../config.ts";
import type { ModelFiles } from "../open-model.ts";

/** How a checkpoint wants its text to be generated: generation_config.json, else config.json. */
export interface GenerationDefaults {
  /** Ids that end a text. */
  readonly eosTokenIds: readonly number[];
  /** 0 unless the file says that it samples. */
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
}

const FILE = "generation_config.json";

/** @throws Qwen3Error `invalid-argument` naming the field that is no number */
export async function readGenerationDefaults(files: ModelFiles, config: Qwen3Config): Promise<GenerationDefaults> {
  const json = await files.json(FILE);
  const fields: Readonly<Record<string, unknown>> = typeof json === "object" && json !== null ? { ...json } : {};
  const number = (field: string, fallback: number): number => {
    const value = fields[field] ?? fallback;
    if (typeof value === "number") return value;
    throw wrongArgument(`${files.name}/${FILE}: '${field}'`, value, "a number");
  };
  const eos = [fields["eos_token_id"]].flat().filter((id): id is number => typeof id === "number");
  return {
    eosTokenIds: eos.length > 0 ? eos : config.eosTokenIds,
    temperature: fields["do_sample"] === true ? number("temperature", 1) : 0,
    topK: number("top_k", 0),
    topP: number("top_p", 1),
    minP: number("min_p", 0),
    repetitionPenalty: number("repetition_penalty", 1),
  };
}
