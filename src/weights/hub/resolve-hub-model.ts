import { resolve } from "node:path";
import { Qwen3Error } from "../../core/errors.ts";
import { quoteList } from "../quote.ts";
import type { ResolvedModel, ResolveOptions } from "../resolve-options.ts";
import { cachedRevisions, findSnapshot, repoFolder, type Snapshot } from "./cache.ts";
import { cacheFolder, type HubName, type HubSettings, hubSettings, VARIABLES } from "./environment.ts";
import { HubError } from "./hub-error.ts";
import { PATIENCE, type Patience } from "./hub-fetch.ts";
import { type SnapshotGaps, snapshotGaps } from "./model-files.ts";

/** A model of a hub, and what the environment says about it. */
export interface HubModel {
  readonly id: string;
  readonly revision: string;
  readonly settings: HubSettings;
  readonly cache: string;
  /** Its folder in the cache. */
  readonly repo: string;
}

export async function hubModel(hub: HubName, id: string, options: ResolveOptions): Promise<HubModel> {
  const settings = await hubSettings(hub, process.env);
  const cache = options.cacheDir === undefined ? cacheFolder(hub, process.env) : resolve(options.cacheDir);
  const revision = options.revision ?? (hub === "modelscope" ? "master" : "main");
  return { id, revision, settings, cache, repo: repoFolder(cache, hub, id) };
}

/**
 * Takes a model from the cache if all that is needed is there, and fetches it, or the rest of it, if it may.
 *
 * @throws Qwen3Error with what to do about it
 */
export async function resolveHubModel(model: HubModel, options: ResolveOptions): Promise<ResolvedModel> {
  const snapshot = await findSnapshot(model.repo, model.revision);
  const gaps = snapshot && (await snapshotGaps(snapshot));
  const forbiddenBy = options.localFilesOnly === true ? "localFilesOnly" : model.settings.offlineBy;
  const usable = gaps?.missing.length === 0;
  if (snapshot && usable && (gaps.unknown.length === 0 || forbiddenBy !== undefined)) return described(model, snapshot);
  const problem = await whatIsMissing(model, snapshot, gaps);
  if (forbiddenBy !== undefined) {
    throw new Qwen3Error(
      "not-found",
      `${problem}, and ${forbiddenBy} forbids fetching it. ${howToGet(model, options)}`,
    );
  }
  try {
    // What is usable as it is need not wait for a hub that does not answer.
    const patience = usable ? { ...PATIENCE, answerMs: 5000 } : PATIENCE;
    return await fetchFromHub(model, options, patience);
  } catch (error) {
    options.signal?.throwIfAborted();
    // Nothing that is needed is missing; only whether there is more could not be found out.
    if (snapshot && usable) return described(model, snapshot);
    if (!(error instanceof HubError)) throw error;
    throw new Qwen3Error(error.code, `${problem}, and fetching it failed: ${error.message}`, { cause: error });
  }
}

/** Brings the model into the cache as it is on the hub now. */
export async function fetchFromHub(
  model: HubModel,
  { onProgress, signal }: ResolveOptions,
  patience: Patience = PATIENCE,
): Promise<ResolvedModel> {
  // What fetches is loaded only where something is to be fetched.
  const { fetchModel } = await import("./fetch-model.ts");
  const snapshot = await fetchModel({ ...model, onProgress, signal, patience }).catch((error: unknown) => {
    throw error instanceof Error && "syscall" in error ? unwritable(model, error) : error;
  });
  return described(model, snapshot);
}

function unwritable({ cache, settings }: HubModel, cause: Error): Qwen3Error {
  const advice = `set cacheDir or ${VARIABLES[settings.hub].cache} to a folder that can be written to`;
  return new Qwen3Error("invalid-argument", `the cache ${cache} cannot be filled (${cause.message}); ${advice}`, {
    cause,
  });
}

function described({ id, revision, settings }: HubModel, { folder, commit }: Snapshot): ResolvedModel {
  return { folder, origin: settings.hub, name: id, revision, commit };
}

async function whatIsMissing(
  { id, revision, cache, repo }: HubModel,
  snapshot: Snapshot | undefined,
  gaps: SnapshotGaps | undefined,
): Promise<string> {
  if (snapshot && gaps) {
    const lacks = quoteList(gaps.missing.length > 0 ? gaps.missing : gaps.unknown);
    return `'${id}' is in the cache, but ${snapshot.folder} lacks ${lacks}`;
  }
  const cached = await cachedRevisions(repo);
  const others = cached.length > 0 ? `, which has ${quoteList(cached)} of it` : "";
  return `there is no folder '${id}' here, revision '${revision}' of that model is not in the cache ${cache}${others}`;
}

function howToGet({ id, revision, settings }: HubModel, { revision: asked, cacheDir }: ResolveOptions): string {
  const flags = [
    asked === undefined ? "" : ` --revision ${revision}`,
    cacheDir === undefined ? "" : ` --cache-dir ${cacheDir}`,
  ].join("");
  const python =
    settings.hub === "huggingface" ? ` (or \`hf download ${id}${flags}\`, from Python's huggingface_hub)` : "";
  const name = settings.hub === "huggingface" ? id : `${settings.hub}:${id}`;
  const byHand = "or download its .json and .safetensors files into a folder and pass that";
  return `To get it, run \`qwen3 pull ${name}${flags}\`${python} where there is a connection, ${byHand}`;
}
