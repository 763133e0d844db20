import { existsSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { readTextFile } from "../read-text-file.ts";
import { cachedRefs, idOfRepo } from "./cache.ts";
import type { HubName } from "./environment.ts";
import { snapshotGaps } from "./model-files.ts";

/** What a model's files say it is for. */
export type ModelRole = "embedding" | "reranker" | "language model" | "adapter" | "unknown";

/** One commit of a model in a cache. */
export interface CachedModel {
  readonly hub: HubName;
  readonly id: string;
  /** Branches and tags that are this commit. */
  readonly refs: readonly string[];
  readonly commit: string;
  readonly folder: string;
  /** Of its files; files that several commits share count for each. */
  readonly bytes: number;
  readonly role: ModelRole;
  /** What is missing before it can be loaded. */
  readonly missing: readonly string[];
}

/** The models of a cache, by name. */
export async function cachedModels(cache: string): Promise<readonly CachedModel[]> {
  const models: CachedModel[] = [];
  for (const name of (await readdir(cache).catch((): string[] => [])).toSorted()) {
    const repo = join(cache, name);
    const model = idOfRepo(repo);
    if (model) models.push(...(await snapshotsOf(repo, model)));
  }
  return models;
}

async function snapshotsOf(
  repo: string,
  model: { readonly hub: HubName; readonly id: string },
): Promise<CachedModel[]> {
  const refs = [...(await cachedRefs(repo))];
  const commits = await readdir(join(repo, "snapshots")).catch((): string[] => []);
  return Promise.all(
    commits.map(async (commit) => {
      const folder = join(repo, "snapshots", commit);
      const { missing } = await snapshotGaps({ repo, folder, commit }).catch(() => ({ missing: ["a readable index"] }));
      const names = refs.filter(([, target]) => target === commit).map(([ref]) => ref);
      const role = await roleOf(folder, model.id);
      return { hub: model.hub, id: model.id, refs: names, commit, folder, bytes: await bytesOf(folder), role, missing };
    }),
  );
}

async function bytesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = new Map<string, number>();
  for (const entry of entries.filter((each) => !each.isDirectory())) {
    const target = await realpath(join(entry.parentPath, entry.name)).catch(() => undefined);
    if (target !== undefined) sizes.set(target, (await stat(target)).size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** A reranker's files are a language model's; only its name tells. */
export async function roleOf(folder: string, id: string): Promise<ModelRole> {
  if (existsSync(join(folder, "adapter_config.json"))) return "adapter";
  const config: unknown = await readTextFile(join(folder, "config.json"))
    .then((text): unknown => JSON.parse(text))
    .catch(() => undefined);
  if ((config as { model_type?: unknown } | undefined)?.model_type !== "qwen3") return "unknown";
  if (existsSync(join(folder, "modules.json"))) return "embedding";
  return /rerank/i.test(id) ? "reranker" : "language model";
}
