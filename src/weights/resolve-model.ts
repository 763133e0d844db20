import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { bundledFolder, bundledModels, DEFAULT_MODEL } from "./bundled.ts";
import { cachedRevisions, checkRevision, findSnapshot, hubCacheFolder, isHubId, type Snapshot } from "./hub-cache.ts";
import { quote, quoteList } from "./quote.ts";
import { missingWeightFiles } from "./weight-files.ts";

export interface ResolveOptions {
  /** Branch, tag or commit of a hub id. @default "main" */
  readonly revision?: string | undefined;
  /** The Hugging Face cache to look in. @default as Python's huggingface_hub, from the environment */
  readonly cacheDir?: string | undefined;
  /** Never fetch. @default false */
  readonly localFilesOnly?: boolean | undefined;
}

/** Where a model is, and where it came from. */
export interface ResolvedModel {
  readonly folder: string;
  readonly origin: "bundled" | "folder" | "hub";
  /** The bundled model's name, the folder as it was given, or the hub id. */
  readonly name: string;
  /** Of a hub model: what was asked for. */
  readonly revision?: string;
  /** Of a hub model: the commit that this revision is. */
  readonly commit?: string;
}

/**
 * Finds a model by what a person calls it. In this order:
 *
 * 1. nothing, or the name of a bundled model: that model;
 * 2. `hf:ORG/NAME`: a hub id and nothing else;
 * 3. a folder that exists (as in transformers, a folder wins over a hub id of the same name);
 * 4. anything that looks like a path (`./x`, `/x`, `C:\x`): that folder, which is then missing;
 * 5. a hub id, `ORG/NAME`.
 *
 * A revision makes sense for hub ids only, and is refused with anything else.
 *
 * @throws Qwen3Error `not-found` with what to do about it; `invalid-argument`
 */
export async function resolveModel(source?: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  const name = source ?? DEFAULT_MODEL;
  if (options.revision !== undefined) checkRevision(options.revision);
  if (bundledModels().includes(name)) return local({ folder: bundledFolder(name), origin: "bundled", name }, options);
  const id = name.startsWith("hf:") ? name.slice("hf:".length) : undefined;
  if (id === undefined && isFolder(name)) return local({ folder: resolve(name), origin: "folder", name }, options);
  if (!isHubId(id ?? name)) throw noSuchModel(name);
  return resolveHubId(id ?? name, options);
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

interface HubRequest {
  readonly id: string;
  readonly revision: string;
  readonly cache: string;
  readonly options: ResolveOptions;
}

async function resolveHubId(id: string, options: ResolveOptions): Promise<ResolvedModel> {
  const cache = options.cacheDir === undefined ? hubCacheFolder(process.env) : resolve(options.cacheDir);
  const request: HubRequest = { id, revision: options.revision ?? "main", cache, options };
  const snapshot = await findSnapshot(cache, id, request.revision);
  if (snapshot === undefined) throw await notCached(request);
  const missing = await missingFiles(snapshot);
  if (missing.length > 0) throw incomplete(request, snapshot, missing);
  return { folder: snapshot.folder, origin: "hub", name: id, revision: request.revision, commit: snapshot.commit };
}

async function missingFiles({ folder }: Snapshot): Promise<readonly string[]> {
  const config = isFile(join(folder, "config.json")) ? [] : ["config.json"];
  return [...config, ...(await missingWeightFiles(folder))];
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

async function notCached(request: HubRequest): Promise<Qwen3Error> {
  const { id, revision, cache } = request;
  const cached = await cachedRevisions(cache, id);
  const others = cached.length > 0 ? `, which has ${quoteList(cached)} of it` : "";
  const problem = `revision '${revision}' of '${id}' is not in the Hugging Face cache ${cache}${others}, and there is no folder of that name here`;
  return new Qwen3Error("not-found", `${problem}. ${howToGet(request)}`);
}

function incomplete(request: HubRequest, { folder }: Snapshot, missing: readonly string[]): Qwen3Error {
  const problem = `'${request.id}' is in the Hugging Face cache, but ${folder} lacks ${quoteList(missing)}`;
  return new Qwen3Error("not-found", `${problem}. ${howToGet(request)}`);
}

function howToGet({ id, revision, options }: HubRequest): string {
  const command = [
    `hf download ${id}`,
    ...(revision === "main" ? [] : [`--revision ${revision}`]),
    ...(options.cacheDir === undefined ? [] : [`--cache-dir ${options.cacheDir}`]),
  ].join(" ");
  const byHand = "or download its .json and .safetensors files into a folder and pass that";
  return `To get it, run \`${command}\` (from Python's huggingface_hub: pip install huggingface_hub), ${byHand}`;
}
