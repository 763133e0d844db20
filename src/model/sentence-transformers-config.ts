import { Qwen3Error } from "../core/errors.ts";
import { Dense } from "./dense.ts";
import type { ModelFiles } from "./open-model.ts";
import type { PoolingMode } from "./pooling.ts";
import type { SimilarityFunction } from "./similarity.ts";

/** What a checkpoint's sentence-transformers files say; all of them are optional. */
export interface SentenceTransformersConfig {
  /** Named prefixes, e.g. `query` and `document`. */
  readonly prompts: ReadonlyMap<string, string>;
  /** Used where the caller names no prompt. */
  readonly defaultPromptName: string | undefined;
  readonly similarityFunction: SimilarityFunction;
  readonly pooling: PoolingMode;
  /** Dense modules after pooling, in order. */
  readonly dense: readonly Dense[];
}

type Json = Readonly<Record<string, unknown>>;

const CONFIG_FILE = "config_sentence_transformers.json";
const MODULES_FILE = "modules.json";

/** @throws Qwen3Error `unsupported` naming the file and field of anything that would change the vectors */
export async function readSentenceTransformersConfig(
  files: ModelFiles,
  { hiddenSize }: { readonly hiddenSize: number },
): Promise<SentenceTransformersConfig> {
  const modules = await readModules(files);
  checkWidths(modules.dense, hiddenSize);
  const config = (await readObject(files, CONFIG_FILE)) ?? {};
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
    ...modules,
  };
}

type Modules = Pick<SentenceTransformersConfig, "pooling" | "dense">;

/** Transformer, Pooling, any Dense, Normalize (which `normalize` decides here). Without modules.json: last token. */
async function readModules(files: ModelFiles): Promise<Modules> {
  const modules = (await files.json(MODULES_FILE)) ?? [];
  if (!Array.isArray(modules))
    throw new Qwen3Error("invalid-checkpoint", `${MODULES_FILE}: expected a list of modules`);
  let pooling: PoolingMode = "lasttoken";
  const dense: Dense[] = [];
  for (const module of modules as unknown[]) {
    const { type, path } = isObject(module) ? module : {};
    const name = typeof type === "string" ? type.split(".").at(-1) : undefined;
    const folder = typeof path === "string" ? path : "";
    if (name === "Pooling") pooling = await readPooling(files, `${folder}/config.json`);
    else if (name === "Dense") dense.push(await Dense.load(files, folder));
    else if (name !== "Transformer" && name !== "Normalize") {
      const message = `${MODULES_FILE}: module type ${JSON.stringify(type)} is not supported; expected Transformer, Pooling, Dense or Normalize`;
      throw new Qwen3Error("unsupported", message);
    }
  }
  return { pooling, dense };
}

function checkWidths(dense: readonly Dense[], hiddenSize: number): void {
  let width = hiddenSize;
  for (const [n, { inFeatures, outFeatures }] of dense.entries()) {
    if (inFeatures !== width) {
      const message = `${MODULES_FILE}: Dense module ${n + 1} takes ${inFeatures} dimensions, but what comes before it gives ${width}`;
      throw new Qwen3Error("invalid-checkpoint", message);
    }
    width = outFeatures;
  }
}

async function readPooling(files: ModelFiles, file: string): Promise<PoolingMode> {
  const config = (await readObject(files, file)) ?? {};
  const modes = poolingModes(config);
  const [mode, ...others] = modes;
  const supported = mode === "lasttoken" || (mode === "mean" && config["include_prompt"] !== false);
  if (supported && others.length === 0) return mode;
  const got =
    mode === "mean" && others.length === 0
      ? "mean pooling with include_prompt false"
      : `pooling ${modes.join(" + ") || "none"}`;
  throw new Qwen3Error(
    "unsupported",
    `${file}: ${got} is not supported; expected last-token pooling, or mean with the prompt included`,
  );
}

/** sentence-transformers 5 and 6 write one `pooling_mode`, earlier versions a flag for each mode. */
function poolingModes(config: Json): string[] {
  const mode = config["pooling_mode"];
  if (typeof mode === "string") return [mode];
  if (Array.isArray(mode)) return mode.map(String);
  const flags = Object.keys(config).filter((field) => field.startsWith("pooling_mode_") && config[field] === true);
  return flags.map((field) => field.slice("pooling_mode_".length).replace(/_tokens?$/, ""));
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

async function readObject(files: ModelFiles, file: string): Promise<Json | undefined> {
  const value = await files.json(file);
  if (value === undefined || isObject(value)) return value;
  throw new Qwen3Error("invalid-checkpoint", `${file}: expected a JSON object`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
