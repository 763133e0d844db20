/** Repositories for the hub server of the tests, made from models that this repository holds. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { bundledFolder } from "../../../src/weights/bundled.ts";
import { goldens } from "../fixtures.ts";
import type { Files, HubRepo } from "./hub-server.ts";

export const ID = "Qwen/Qwen3-Embedding-0.6B";
export const COMMIT = "c54f2e6e80b2d7b7de06f51cec4959f6b3e03418";

/** The bundled model as a repository might hold it, with much that must not be fetched. */
export function embeddingRepo(): HubRepo {
  const files = new Map(filesOf(bundledFolder("qwen3-embedding-tiny")));
  for (const path of [
    ".gitattributes",
    "onnx/model.onnx",
    "onnx/config.json",
    "pytorch_model.bin",
    "trainer_state.json",
  ]) {
    files.set(path, Buffer.from(`this is ${path}`));
  }
  return repo(files);
}

/** Three shards and an index. */
export function shardedRepo(): HubRepo {
  return repo(new Map(filesOf(join(goldens, "models/mini-causal"))));
}

export function repo(files: Files, rest: Partial<HubRepo> = {}): HubRepo {
  const refs = new Map([
    ["main", COMMIT],
    ["v1.0", COMMIT],
    ["refs/pr/1", COMMIT],
  ]);
  return { id: ID, commits: new Map([[COMMIT, files]]), refs, ...rest };
}

function filesOf(folder: string): [string, Buffer][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith("train"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(folder, path), readFileSync(path)]);
}
