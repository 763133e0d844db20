import { Qwen3Error } from "../core/errors.ts";
import type { Checkpoint } from "../weights/index.ts";
import type { SimilarityFunction } from "./similarity.ts";

/** What a checkpoint's sentence-transformers files say; all of them are optional. */
export interface SentenceTransformersConfig {
  /** Named prefixes, e.g. `query` and `document`. */
  readonly prompts: ReadonlyMap<string, string>;
  /** Used where the caller names no prompt. */
  readonly defaultPromptName: string | undefined;
  readonly similarityFunction: SimilarityFunction;
}

type Json = Readonly<Record<string, unknown>>;

const CONFIG_FILE = "config_sentence_transformers.json";
const MODULES_FILE = "modules.json";

/** Modules that this runtime computes, by the last part of their type. */
const SUPPORTED_MODULES = ["Transformer", "Pooling", "Normalize"];

/** @throws Qwen3Error `unsupported` naming the file and field of anything that would change the vectors */
export async function readSentenceTransformersConfig(checkpoint: Checkpoint): Promise<SentenceTransformersConfig> {
  await checkModules(checkpoint);
  const config = (await readObject(checkpoint, CONFIG_FILE)) ?? {};
  const prompts = readPrompts(config["prompts"]);
  const defaultPromptName = config["default_prompt_name"];
  if (typeof defaultPromptName === "string" && !prompts.has(defaultPromptName)) {
    const message = `${CONFIG_FILE}: 'default_prompt_name' is '${defaultPromptName}', which is not one of its prompts (${[...prompts.keys()].join(", ")})`;
    throw new Qwen3Error("invalid-checkpoint", message);
  }
  return {
    prompts,
    defaultPromptName: typeof defaultPromptName === "string" ? defaultPromptName : undefined,
    similarityFunction: readSimilarity(config["similarity_fn_name"]),
  };
}

async function checkModules(checkpoint: Checkpoint): Promise<void> {
  const modules = await checkpoint.json(MODULES_FILE);
  if (modules === undefined) return;
  if (!Array.isArray(modules))
    throw new Qwen3Error("invalid-checkpoint", `${MODULES_FILE}: expected a list of modules`);
  for (const module of modules as unknown[]) {
    const { type, path } = isObject(module) ? module : {};
    const name = typeof type === "string" ? (type.split(".").at(-1) ?? "") : "";
    if (!SUPPORTED_MODULES.includes(name)) {
      const message = `${MODULES_FILE}: module type ${JSON.stringify(type)} is not supported; expected ${SUPPORTED_MODULES.join(", ")}`;
      throw new Qwen3Error("unsupported", message);
    }
    if (name === "Pooling")
      await checkPooling(checkpoint, typeof path === "string" ? `${path}/config.json` : "1_Pooling/config.json");
  }
}

async function checkPooling(checkpoint: Checkpoint, file: string): Promise<void> {
  const pooling = (await readObject(checkpoint, file)) ?? {};
  const modes = Object.entries(pooling).filter(([field, on]) => field.startsWith("pooling_mode_") && on === true);
  const named = typeof pooling["pooling_mode"] === "string" ? [pooling["pooling_mode"]] : modes.map(([field]) => field);
  const unsupported = named.find((mode) => mode !== "pooling_mode_lasttoken" && mode !== "lasttoken");
  if (unsupported !== undefined) {
    const message = `${file}: '${unsupported}' pooling is not supported; expected last-token pooling, as Qwen3-Embedding uses`;
    throw new Qwen3Error("unsupported", message);
  }
}

function readPrompts(value: unknown): Map<string, string> {
  if (!isObject(value)) return new Map();
  return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

const SIMILARITY_FUNCTIONS: ReadonlySet<string> = new Set<SimilarityFunction>([
  "cosine",
  "dot",
  "euclidean",
  "manhattan",
]);

function readSimilarity(value: unknown): SimilarityFunction {
  if (value === undefined || value === null) return "cosine";
  if (typeof value === "string" && SIMILARITY_FUNCTIONS.has(value)) return value as SimilarityFunction;
  const message = `${CONFIG_FILE}: 'similarity_fn_name' is ${JSON.stringify(value)}; expected one of ${[...SIMILARITY_FUNCTIONS].join(", ")}`;
  throw new Qwen3Error("unsupported", message);
}

async function readObject(checkpoint: Checkpoint, file: string): Promise<Json | undefined> {
  const value = await checkpoint.json(file);
  if (value === undefined || isObject(value)) return value;
  throw new Qwen3Error("invalid-checkpoint", `${file}: expected a JSON object`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
