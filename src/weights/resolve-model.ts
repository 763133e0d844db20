import { statSync } from "node:fs";
import { resolve } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { bundledFolder, bundledModels, DEFAULT_MODEL } from "./bundled.ts";
import { checkRevision, isHubId } from "./hub/cache.ts";
import { parseHubId } from "./hub/hub-id.ts";
import { hubModel, resolveHubModel } from "./hub/resolve-hub-model.ts";
import { quote, quoteList } from "./quote.ts";
import type { ResolvedModel, ResolveOptions } from "./resolve-options.ts";

/**
 * Finds a model by what a person calls it. In this order:
 *
 * 1. nothing, or the name of a bundled model: that model;
 * 2. `hf:ORG/NAME` or `modelscope:ORG/NAME`: a model of that hub;
 * 3. a folder that exists (as in transformers, a folder wins over a hub id of the same name);
 * 4. anything that looks like a path (`./x`, `/x`, `C:\x`): that folder, which is then missing;
 * 5. `ORG/NAME`: a model of the Hugging Face Hub, or of ModelScope if `QWEN3_HUB=modelscope` says so.
 *
 * A hub's model is taken from the cache if it is there, and fetched into it if not. A revision makes sense for these
 * only, and is refused with anything else.
 *
 * @throws Qwen3Error with what to do about it: `not-found`, `network`, `unsupported`, `too-large`, `invalid-argument`
 */
export async function resolveModel(source?: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  const name = source ?? DEFAULT_MODEL;
  if (options.revision !== undefined) checkRevision(options.revision);
  if (bundledModels().includes(name)) return local({ folder: bundledFolder(name), origin: "bundled", name }, options);
  const { hub, id, isExplicit } = parseHubId(name, process.env);
  if (!isExplicit && isFolder(name)) return local({ folder: resolve(name), origin: "folder", name }, options);
  if (!isHubId(id) || (!isExplicit && isFile(name))) throw noSuchModel(name);
  return resolveHubModel(await hubModel(hub, id, options), options);
}

function local(model: ResolvedModel, { revision }: ResolveOptions): ResolvedModel {
  if (revision === undefined) return model;
  const what = model.origin === "bundled" ? "comes with the package" : `is a folder here (${model.folder})`;
  const advice = `leave the revision out, or write 'hf:${model.name}' for the hub's model of that name`;
  throw new Qwen3Error(
    "invalid-argument",
    `revision '${revision}' was asked for, but '${model.name}' ${what}; ${advice}`,
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function noSuchModel(name: string): Qwen3Error {
  if (isFile(name)) return new Qwen3Error("invalid-argument", `${name} is a file; pass the folder it is in`);
  const expected = `a folder that exists, a hub id such as 'Qwen/Qwen3-Embedding-0.6B', or one of the bundled ${quoteList(bundledModels())}`;
  return new Qwen3Error("not-found", `there is no model ${quote(name)}; expected ${expected}`);
}
