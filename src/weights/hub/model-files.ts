import { existsSync } from "node:fs";
import { join } from "node:path";
import { Qwen3Error } from "../../core/errors.ts";
import { quoteList } from "../quote.ts";
import { readTextFile } from "../read-text-file.ts";
import { INDEX_FILE, missingWeightFiles, SINGLE_FILE } from "../weight-files.ts";
import type { Snapshot } from "./cache.ts";

/** Fetched where a repository has them; nothing else of its root is, besides the weights. */
const SMALL_FILES: ReadonlySet<string> = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "chat_template.jinja",
  "modules.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
  "adapter_config.json",
  "adapter_model.safetensors",
  INDEX_FILE,
]);

/** sentence-transformers' modules, such as `1_Pooling/config.json` and `2_Dense/model.safetensors`. */
const MODULE_FILE = /^\d+_\w+\/(?:config\.json|model\.safetensors)$/;

/** Without these a model would silently do something else, so a cache must know whether there are such files. */
const TELLING_FILES = ["tokenizer.json", "tokenizer_config.json", "modules.json", "config_sentence_transformers.json"];

/**
 * Which files of a repository a model consists of; the shards that an index names come on top.
 *
 * @throws Qwen3Error `unsupported` where it holds no weights that can be read
 */
export function chooseFiles(paths: readonly string[], id: string): readonly string[] {
  const single = paths.includes(SINGLE_FILE);
  const weights = single || paths.includes(INDEX_FILE) || paths.includes("adapter_model.safetensors");
  if (!weights) {
    const others = paths.filter((path) => /\.(?:safetensors|bin|pt|pth|gguf|onnx)$/.test(path));
    const found = others.length > 0 ? `it has ${quoteList(others)}` : `it has ${paths.length} other files`;
    const message = `'${id}' holds neither ${SINGLE_FILE} nor ${INDEX_FILE}; ${found}`;
    throw new Qwen3Error("unsupported", `${message}. Is there another repository of this model, in safetensors?`);
  }
  return paths.filter((path) => {
    if (path === INDEX_FILE) return !single;
    return path === SINGLE_FILE || SMALL_FILES.has(path) || MODULE_FILE.test(path);
  });
}

/** The telling files that a repository does not have, to be remembered. */
export function absentFiles(paths: readonly string[]): readonly string[] {
  return TELLING_FILES.filter((path) => !paths.includes(path));
}

export interface SnapshotGaps {
  /** A model cannot be loaded without these. */
  readonly missing: readonly string[];
  /** These may exist on the hub: whoever filled the cache did not need them. */
  readonly unknown: readonly string[];
}

/** What a cached snapshot lacks. Broken links count as missing. */
export async function snapshotGaps({ repo, folder, commit }: Snapshot): Promise<SnapshotGaps> {
  const has = (path: string): boolean => existsSync(join(folder, path));
  const isKnown = (path: string): boolean => has(path) || existsSync(join(noExistFolder(repo, commit), path));
  const unknown = [...TELLING_FILES, ...(await moduleConfigs(folder))].filter((path) => !isKnown(path));
  if (has("adapter_config.json") && !has("config.json")) {
    return { missing: ["adapter_model.safetensors"].filter((path) => !has(path)), unknown };
  }
  const config = has("config.json") ? [] : ["config.json"];
  return { missing: [...config, ...(await missingWeightFiles(folder))], unknown };
}

export function noExistFolder(repo: string, commit: string): string {
  return join(repo, ".no_exist", commit);
}

/** The configurations of those modules that have one, as far as modules.json can be read. */
async function moduleConfigs(folder: string): Promise<readonly string[]> {
  const modules: unknown = await readTextFile(join(folder, "modules.json"))
    .then((text): unknown => JSON.parse(text))
    .catch(() => []);
  if (!Array.isArray(modules)) return [];
  return (modules as { type?: unknown; path?: unknown }[]).flatMap((module) => {
    const { type, path } = module ?? {};
    const file = `${String(path)}/config.json`;
    return /\b(?:Pooling|Dense)$/.test(String(type)) && MODULE_FILE.test(file) ? [file] : [];
  });
}
