/**
 * The cache that Python's huggingface_hub, and everything built on it, keeps on disk:
 *
 *     models--Qwen--Qwen3-Embedding-0.6B/
 *       refs/main                    the commit that a branch or tag pointed to when it was fetched
 *       snapshots/<commit>/…         the files of that commit, usually links into blobs/
 *       blobs/<etag>                 their contents
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { quote } from "./quote.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One commit of a model in the cache. Files of it may be missing. */
export interface Snapshot {
  readonly folder: string;
  readonly commit: string;
}

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE` (its old name), else `HF_HOME`/hub, else
 * `XDG_CACHE_HOME`/huggingface/hub, else ~/.cache/huggingface/hub.
 */
export function hubCacheFolder(env: Environment): string {
  const explicit = env["HF_HUB_CACHE"] || env["HUGGINGFACE_HUB_CACHE"];
  return resolve(explicit ? expand(explicit, env) : join(hubHome(env), "hub"));
}

function hubHome(env: Environment): string {
  return expand(env["HF_HOME"] || join(env["XDG_CACHE_HOME"] || "~/.cache", "huggingface"), env);
}

/** A leading `~`, `$NAME` and `${NAME}`, which Python's library expands as well. */
function expand(path: string, env: Environment): string {
  return path
    .replace(/^~(?=$|[/\\])/, env["HOME"] || homedir())
    .replaceAll(
      /\$(\w+)|\$\{([^}]*)\}/g,
      (whole, bare?: string, braced?: string) => env[bare ?? braced ?? ""] ?? whole,
    );
}

export function isHubId(text: string): boolean {
  const parts = text.split("/");
  const wellFormed = parts.every((part) => /^\w(?:[\w.-]{0,94}\w)?$/.test(part) && !/--|\.\.|\.git$/.test(part));
  return parts.length <= 2 && wellFormed;
}

export function repoFolder(cache: string, id: string): string {
  return join(cache, `models--${id.replaceAll("/", "--")}`);
}

/** The hub id that a snapshot's folder belongs to, if it is one. */
export function repoOfSnapshot(folder: string): string | undefined {
  const snapshots = dirname(resolve(folder));
  const repo = basename(dirname(snapshots));
  if (basename(snapshots) !== "snapshots" || !repo.startsWith("models--")) return undefined;
  return repo.slice("models--".length).replaceAll("--", "/");
}

/** @throws Qwen3Error `invalid-argument` for what cannot be a branch, tag or commit */
export function checkRevision(revision: string): void {
  const segments = revision.split("/");
  if (!/[\\\0:]/.test(revision) && segments.every((segment) => segment !== "" && !segment.startsWith("."))) return;
  throw new Qwen3Error("invalid-argument", `revision ${quote(revision)}: expected a branch, a tag or a commit hash`);
}

/**
 * @param revision branch, tag or commit hash
 * @throws Qwen3Error `invalid-checkpoint` where the cache's own record of the revision is damaged
 */
export async function findSnapshot(cache: string, id: string, revision: string): Promise<Snapshot | undefined> {
  const repo = repoFolder(cache, id);
  const commit = COMMIT.test(revision) ? revision : await readRef(join(repo, "refs", revision));
  const folder = commit === undefined ? undefined : join(repo, "snapshots", commit);
  return commit !== undefined && folder !== undefined && existsSync(folder) ? { folder, commit } : undefined;
}

async function readRef(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  const commit = text?.trim();
  // The text becomes part of a path.
  if (commit === undefined || COMMIT.test(commit)) return commit;
  throw new Qwen3Error("invalid-checkpoint", `${path} holds ${quote(commit)}, expected a commit hash; delete the file`);
}

/** What can be asked of the cache for a model: its branches and tags, else its commits. */
export async function cachedRevisions(cache: string, id: string): Promise<readonly string[]> {
  const repo = repoFolder(cache, id);
  const refs = await readdir(join(repo, "refs"), { recursive: true, withFileTypes: true }).catch(() => []);
  const names = refs
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(repo, "refs"), join(entry.parentPath, entry.name)));
  return names.length > 0 ? names.sort() : readdir(join(repo, "snapshots")).catch(() => []);
}
