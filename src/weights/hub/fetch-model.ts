import { existsSync } from "node:fs";
import { mkdir, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Qwen3Error } from "../../core/errors.ts";
import { readTextFile } from "../read-text-file.ts";
import { INDEX_FILE } from "../weight-files.ts";
import { parseWeightIndex } from "../weight-index.ts";
import { type Snapshot, snapshotFolder } from "./cache.ts";
import { placeBlob, recordAbsent, writeRef } from "./cache-writer.ts";
import { type DownloadProgress, ProgressSum } from "./download-progress.ts";
import { VARIABLES } from "./environment.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { withFileLock } from "./file-lock.ts";
import { type FetchOptions, PATIENCE, type Patience } from "./hub-fetch.ts";
import { huggingFace } from "./hugging-face.ts";
import { absentFiles, chooseFiles } from "./model-files.ts";
import { modelScope } from "./model-scope.ts";
import type { RemoteFile, RemoteHub } from "./remote-hub.ts";

/** Enough for the shards of the 8B model to come side by side, and no burden for a hub. */
const FILES_AT_ONCE = 4;

export interface FetchRequest extends Omit<FetchOptions, "patience"> {
  /** The model's folder in the cache. */
  readonly repo: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** @default PATIENCE */
  readonly patience?: Patience | undefined;
}

/**
 * Brings a revision of a model into the cache, or what of it is not there yet.
 *
 * @throws Qwen3Error with what to do: `network`, `not-found`, `unsupported`, or `too-large` if the disk is too small
 */
export async function fetchModel(request: FetchRequest): Promise<Snapshot> {
  const { repo, id, revision } = request;
  const options = { ...request, patience: request.patience ?? PATIENCE };
  const hub = request.settings.hub === "modelscope" ? modelScope(options) : await huggingFace(options);
  const { commit, files } = await hub.list();
  const fetching = new ModelFetch({ ...request, options, hub, commit });

  const paths = files.map(({ path }) => path);
  const chosen = new Set(chooseFiles(paths, id));
  const index = files.find(({ path }) => path === INDEX_FILE && chosen.has(path));
  if (index) for (const shard of await fetching.shardsOf(index, paths)) chosen.add(shard);
  await fetching.fetchAll(files.filter(({ path }) => chosen.has(path)));

  await recordAbsent(repo, commit, absentFiles(paths));
  await writeRef(repo, revision, commit);
  return { repo, folder: snapshotFolder(repo, commit), commit };
}

interface Fetching extends FetchRequest {
  readonly options: FetchOptions;
  readonly hub: RemoteHub;
  readonly commit: string;
}

/** The files of one commit on their way into the cache. */
class ModelFetch {
  readonly #fetching: Fetching;

  constructor(fetching: Fetching) {
    this.#fetching = fetching;
  }

  /** The index must be there first: it says what else is needed. */
  async shardsOf(index: RemoteFile, paths: readonly string[]): Promise<readonly string[]> {
    const { signal, id } = this.#fetching;
    await this.#fetch(index, { signal, onBytes: () => undefined });
    const pointer = this.#pointer(index);
    const shards = [...new Set(parseWeightIndex(await readTextFile(pointer), pointer).values())];
    const missing = shards.find((shard) => !paths.includes(shard));
    if (missing === undefined) return shards;
    throw new Qwen3Error(
      "invalid-checkpoint",
      `'${id}': ${INDEX_FILE} names '${missing}', which the repository does not have`,
    );
  }

  async fetchAll(files: readonly RemoteFile[]): Promise<void> {
    await this.#checkSpace(files);
    const progress = new ProgressSum(files, this.#fetching.onProgress);
    // config.json comes last: a snapshot that has it has everything.
    const last = files.filter(({ path }) => path === "config.json");
    for (const group of [files.filter((file) => !last.includes(file)), last]) {
      await inParallel(group, this.#fetching.signal, (file, signal) =>
        this.#fetch(file, { signal, onBytes: (completed) => progress.update(file, completed) }),
      );
    }
  }

  async #fetch(
    file: RemoteFile,
    { signal, onBytes }: { readonly signal: AbortSignal | undefined; readonly onBytes: (completed: number) => void },
  ): Promise<void> {
    const { repo, hub, commit, options, settings } = this.#fetching;
    const pointer = this.#pointer(file);
    const blob = this.#blob(file);
    const isDone = (): boolean => existsSync(pointer);
    const request = {
      hub,
      commit,
      file,
      path: blob,
      partial: partialOf(blob),
      onBytes,
      options: { ...options, signal },
    };
    if (!isDone()) {
      await mkdir(dirname(blob), { recursive: true });
      const lock = join(dirname(repo), ".locks", basename(repo), `${file.hash}.qwen3.lock`);
      await withFileLock(lock, { signal, isDone }, async () => {
        const isNew = !existsSync(blob);
        if (isNew) await fetchBlob(request);
        await placeBlob(blob, pointer, { links: settings.links, isNew });
      });
    }
    onBytes(file.size);
  }

  async #checkSpace(files: readonly RemoteFile[]): Promise<void> {
    const { repo, id, settings } = this.#fetching;
    await mkdir(repo, { recursive: true });
    let needed = 0;
    for (const file of files) {
      if (existsSync(this.#pointer(file)) || existsSync(this.#blob(file))) continue;
      const begun = await stat(partialOf(this.#blob(file))).catch(() => undefined);
      needed += Math.max(0, file.size - (begun?.size ?? 0));
    }
    const { bavail, bsize } = await statfs(repo);
    if (needed <= bavail * bsize) return;
    const message = `'${id}' needs ${gigabytes(needed)} more on the disk of ${dirname(repo)}, which has ${gigabytes(bavail * bsize)} free`;
    throw new Qwen3Error(
      "too-large",
      `${message}; make room, or set cacheDir or ${VARIABLES[settings.hub].cache} to another disk`,
    );
  }

  #pointer({ path }: RemoteFile): string {
    return join(snapshotFolder(this.#fetching.repo, this.#fetching.commit), ...path.split("/"));
  }

  #blob({ hash }: RemoteFile): string {
    return join(this.#fetching.repo, "blobs", hash);
  }
}

/** Works on a few at once. The first failure stops the others, and is thrown when they have stopped. */
async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      either.throwIfAborted();
      await work(item, either).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      });
    }
  };
  await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker));
  either.throwIfAborted();
}

/** Not the name that Python's library uses, which may be writing the same file. */
function partialOf(blob: string): string {
  return `${blob}.qwen3.incomplete`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
