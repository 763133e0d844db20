import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { cacheFolder } from "../../core/cache-folder.ts";
import type { Context } from "../context.ts";
import { repositoryRoot } from "./repository-root.ts";

/** What makes the vectors, besides the text. */
export interface IndexedModel {
  /** As given with --model; undefined for the bundled one. */
  readonly source: string | undefined;
  readonly revision: string | undefined;
  readonly lora: string | undefined;
  readonly device: string;
  readonly dtype: string;
}

/**
 * Where the vectors of a search are kept: below the user's cache, one folder for each repository (or searched folder)
 * and one file for each model. `folder` takes the place of the first two.
 */
export function indexFile(paths: readonly string[], model: IndexedModel, env: Context["env"], folder?: string): string {
  const home = homeOf(paths[0] ?? ".");
  const at = folder ?? join(cacheFolder(env), "search", `${basename(home)}-${shortHash(home)}`);
  const source = model.source !== undefined && existsSync(model.source) ? realpathSync(model.source) : model.source;
  const label = source === undefined ? "bundled" : basename(source);
  return join(at, `${label}-${shortHash(JSON.stringify({ ...model, source }))}.vectors`);
}

/** Everything in one repository shares an index, so that searching a part of it finds the vectors of the whole. */
function homeOf(path: string): string {
  const file = realpathSync(resolve(path));
  const folder = statSync(file).isDirectory() ? file : dirname(file);
  return repositoryRoot(folder) ?? folder;
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
