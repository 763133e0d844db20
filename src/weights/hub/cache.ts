/**
 * The cache that Python's huggingface_hub, and everything built on it, keeps on disk:
 *
 *     models--Qwen--Qwen3-Embedding-0.6B/
 *       refs/main                    the commit that a branch or tag pointed to when it was fetched
 *       snapshots/<commit>/…         the files of that commit, usually links into blobs/
 *       blobs/<etag>                 their contents
 *       .no_exist/<commit>/…         empty files with the names of those that the commit does not have
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Qwen3Error } from "../../core/errors.ts";
import { quote } from "../quote.ts";
import type { HubName } from "./environment.ts";

/** One commit of a model in the cache. Files of it may be missing. */
export interface Snapshot {
  /** The model's folder in the cache. */
  readonly repo: string;
  readonly folder: string;
  readonly commit: string;
}

const COMMIT = /^[0-9a-f]{40}$/;

/** ModelScope's models share the layout, not the folders: their commits are others. */
const PREFIXES: Readonly<Record<HubName, string>> = { huggingface: "models--", modelscope: "modelscope--" };

export function isHubId(text: string): boolean {
  const parts = text.split("/");
  const wellFormed = parts.every((part) => /^\w(?:[\w.-]{0,94}\w)?$/.test(part) && !/--|\.\.|\.git$/.test(part));
  return parts.length <= 2 && wellFormed;
}

export function repoFolder(cache: string, hub: HubName, id: string): string {
  return join(cache, PREFIXES[hub] + id.replaceAll("/", "--"));
}

/** The hub id that a model's folder in the cache belongs to, if it is one. */
export function idOfRepo(folder: string): { readonly hub: HubName; readonly id: string } | undefined {
  for (const [hub, prefix] of Object.entries(PREFIXES) as [HubName, string][]) {
    const name = basename(folder);
    if (name.startsWith(prefix)) return { hub, id: name.slice(prefix.length).replaceAll("--", "/") };
  }
  return undefined;
}

/** The hub id that a snapshot's folder belongs to, if it is one. */
export function idOfSnapshot(folder: string): string | undefined {
  const snapshots = dirname(resolve(folder));
  return basename(snapshots) === "snapshots" ? idOfRepo(dirname(snapshots))?.id : undefined;
}

export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** @throws Qwen3Error `invalid-argument` for what cannot be a branch, tag or commit */
export function checkRevision(revision: string): void {
  const segments = revision.split("/");
  if (!/[\\\0:]/.test(revision) && segments.every((segment) => segment !== "" && !segment.startsWith("."))) return;
  throw new Qwen3Error("invalid-argument", `revision ${quote(revision)}: expected a branch, a tag or a commit hash`);
}

/**
 * @param repo the model's folder in the cache
 * @param revision branch, tag or commit hash
 * @throws Qwen3Error `invalid-checkpoint` where the cache's own record of the revision is damaged
 */
export async function findSnapshot(repo: string, revision: string): Promise<Snapshot | undefined> {
  const commit = isCommit(revision) ? revision : await readRef(join(repo, "refs", revision));
  if (commit === undefined) return undefined;
  const folder = snapshotFolder(repo, commit);
  return existsSync(folder) ? { repo, folder, commit } : undefined;
}

export function snapshotFolder(repo: string, commit: string): string {
  return join(repo, "snapshots", commit);
}

async function readRef(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  const commit = text?.trim();
  // The text becomes part of a path.
  if (commit === undefined || isCommit(commit)) return commit;
  throw new Qwen3Error("invalid-checkpoint", `${path} holds ${quote(commit)}, expected a commit hash; delete the file`);
}

/** The cached branches and tags of a model, with the commit that each names. */
export async function cachedRefs(repo: string): Promise<ReadonlyMap<string, string>> {
  const root = join(repo, "refs");
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const refs = new Map<string, string>();
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    refs.set(relative(root, path), (await readFile(path, "utf8")).trim());
  }
  return refs;
}

/** What can be asked of the cache for a model: its branches and tags, else its commits. */
export async function cachedRevisions(repo: string): Promise<readonly string[]> {
  const refs = [...(await cachedRefs(repo)).keys()];
  return refs.length > 0 ? refs.sort() : readdir(join(repo, "snapshots")).catch(() => []);
}
