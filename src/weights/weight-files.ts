import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { quote, quoteList } from "./quote.ts";
import { readTextFile } from "./read-text-file.ts";
import { SafetensorsFile } from "./safetensors-file.ts";
import { parseWeightIndex } from "./weight-index.ts";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/**
 * Opens a folder's weights: `model.safetensors`, else the shards of its index, as transformers looks for them.
 *
 * @throws Qwen3Error `not-found` where there are none or shards are missing, `invalid-checkpoint` where the index and
 * the shards contradict each other; nothing stays open then
 */
export async function openWeightFiles(folder: string): Promise<readonly SafetensorsFile[]> {
  if (existsSync(join(folder, SINGLE_FILE))) return [await SafetensorsFile.open(join(folder, SINGLE_FILE))];
  const indexPath = join(folder, INDEX_FILE);
  if (!existsSync(indexPath)) throw noWeights(folder);
  const shardOf = parseWeightIndex(await readTextFile(indexPath), indexPath);
  const shards = await openShards(folder, new Set(shardOf.values()));
  try {
    checkAgainstIndex(shardOf, shards, indexPath);
    return [...shards.values()];
  } catch (error) {
    await closeAll(shards.values());
    throw error;
  }
}

/** What {@link openWeightFiles} would not find, for folders that may be half fetched. Broken links count as missing. */
export async function missingWeightFiles(folder: string): Promise<readonly string[]> {
  if (existsSync(join(folder, SINGLE_FILE))) return [];
  const indexPath = join(folder, INDEX_FILE);
  if (!existsSync(indexPath)) return [SINGLE_FILE];
  const shards = new Set(parseWeightIndex(await readTextFile(indexPath), indexPath).values());
  return [...shards].filter((name) => !existsSync(join(folder, name)));
}

export async function closeAll(files: Iterable<SafetensorsFile>): Promise<void> {
  await Promise.all(Array.from(files, (file) => file.close()));
}

async function openShards(folder: string, names: ReadonlySet<string>): Promise<Map<string, SafetensorsFile>> {
  const missing = [...names].filter((name) => !existsSync(join(folder, name)));
  if (missing.length > 0) {
    const message = `${folder}: ${missing.length} of the ${names.size} files that ${INDEX_FILE} names are missing`;
    throw new Qwen3Error("not-found", `${message}: ${quoteList(missing)}; finish the download`);
  }
  const shards = new Map<string, SafetensorsFile>();
  try {
    for (const name of names) shards.set(name, await SafetensorsFile.open(join(folder, name)));
  } catch (error) {
    await closeAll(shards.values());
    throw error;
  }
  return shards;
}

/** Both must name exactly the same tensors; where they differ, files of two versions were mixed. */
function checkAgainstIndex(
  shardOf: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, SafetensorsFile>,
  indexPath: string,
): void {
  for (const [shard, file] of shards) {
    for (const name of file.tensors.keys()) {
      const indexed = shardOf.get(name);
      if (indexed === shard) continue;
      const says = indexed === undefined ? "does not name it" : `says it is in ${quote(indexed)}`;
      throw contradiction(`${file.path} holds tensor ${quote(name)}, but ${indexPath} ${says}`);
    }
  }
  const absent = [...shardOf].filter(([name, shard]) => !shards.get(shard)?.tensors.has(name));
  const [first] = absent;
  if (!first) return;
  const list = quoteList(absent.map(([name]) => name));
  throw contradiction(
    `${indexPath} names ${absent.length} tensors that its files do not hold: ${list} (the first in ${quote(first[1])})`,
  );
}

function contradiction(message: string): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", `${message}; are these files of one and the same version?`);
}

function noWeights(folder: string): Qwen3Error {
  const names = readdirSync(folder);
  if (names.includes(SINGLE_FILE) || names.includes(INDEX_FILE)) {
    const name = names.includes(SINGLE_FILE) ? SINGLE_FILE : INDEX_FILE;
    return new Qwen3Error("not-found", `${join(folder, name)} is a link to a file that is gone; fetch the model again`);
  }
  const others = names.filter((name) => /\.(safetensors|bin|pt|pth|gguf|onnx|h5|msgpack)$/.test(name));
  const found = others.length > 0 ? `it has ${quoteList(others)}` : "it has no other weights";
  const message = `${folder} has neither ${SINGLE_FILE} nor ${INDEX_FILE}; ${found}`;
  return new Qwen3Error("not-found", `${message}. transformers' save_pretrained writes what is expected here.`);
}
