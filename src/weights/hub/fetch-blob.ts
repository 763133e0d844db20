import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { HubError } from "./hub-error.ts";
import { type FetchOptions, RangeIgnored, withRetries } from "./hub-fetch.ts";
import type { RemoteFile, RemoteHub } from "./remote-hub.ts";

const READ_BYTES = 2 ** 20;

export interface BlobRequest {
  readonly hub: RemoteHub;
  readonly commit: string;
  readonly file: RemoteFile;
  /** Where the whole file is to be. */
  readonly path: string;
  /** Where it grows, and what an earlier try may have left. */
  readonly partial: string;
  readonly options: Pick<FetchOptions, "patience" | "signal">;
  /** Called with how much of the file is there. */
  readonly onBytes: (completed: number) => void;
}

/**
 * Fetches a file to `path`, which exists only once its size and hash are right. A broken download is continued, within
 * this call and by the next one.
 */
export async function fetchBlob(request: BlobRequest): Promise<void> {
  const { file, partial } = request;
  const handle = await openOrCreate(partial);
  try {
    const found = await download(request, handle);
    // What an earlier try left may have been damaged; what comes from the start cannot blame it.
    const again = found === file.hash ? found : await download(request, handle, { fresh: true });
    if (again !== file.hash) throw await damaged(request, handle, again);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, request.path);
}

/** @returns the hash of what was written */
async function download(request: BlobRequest, handle: FileHandle, { fresh = false } = {}): Promise<string> {
  const { hub, commit, file, options, onBytes } = request;
  let state = fresh ? await startOver(handle, file) : await resume(handle, file);
  let restarts = 0;
  onBytes(state.done);
  await withRetries(options, async (progressed) => {
    try {
      if (state.done === file.size) return;
      for await (const chunk of hub.read(commit, file, state.done)) {
        options.signal?.throwIfAborted();
        if (state.done + chunk.byteLength > file.size) throw tooLong(file);
        await writeAll(handle, chunk, state.done);
        state.hash.update(chunk);
        state.done += chunk.byteLength;
        progressed();
        onBytes(state.done);
      }
      if (state.done < file.size) throw cutShort(file, state.done);
    } catch (error) {
      if (error instanceof RangeIgnored) {
        if (++restarts > options.patience.tries) throw cutShort(file, state.done, { transient: false });
        state = await startOver(handle, file);
      }
      throw error;
    }
  });
  return state.hash.digest("hex");
}

interface State {
  done: number;
  readonly hash: Hash;
}

async function startOver(handle: FileHandle, file: RemoteFile): Promise<State> {
  await handle.truncate(0);
  return { done: 0, hash: hashOf(file) };
}

/** Hashes what is there already. */
async function resume(handle: FileHandle, file: RemoteFile): Promise<State> {
  const { size } = await handle.stat();
  if (size > file.size) return startOver(handle, file);
  const state: State = { done: 0, hash: hashOf(file) };
  const buffer = new Uint8Array(Math.min(READ_BYTES, size));
  while (state.done < size) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, state.done);
    if (bytesRead === 0) break;
    state.hash.update(buffer.subarray(0, bytesRead));
    state.done += bytesRead;
  }
  return state;
}

/** The hubs name large files by sha256, and small ones as git names a blob: with its size before the content. */
function hashOf({ hash, size }: RemoteFile): Hash {
  return hash.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** By position, so that whoever else writes the same file writes the same bytes to the same place. */
async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** For reading and writing, with what it holds. */
async function openOrCreate(path: string): Promise<FileHandle> {
  return open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return open(path, "w+");
    throw error;
  });
}

function cutShort({ path, size }: RemoteFile, done: number, { transient = true } = {}): HubError {
  const message = `the download of '${path}' broke off after ${done} of ${size} bytes; run it again to continue`;
  return new HubError("network", message, { transient });
}

function tooLong({ path, size }: RemoteFile): HubError {
  return new HubError(
    "network",
    `'${path}' came with more than the ${size} bytes it should have; is a proxy in between?`,
  );
}

async function damaged({ file, partial }: BlobRequest, handle: FileHandle, got: string): Promise<HubError> {
  await handle.truncate(0);
  await rm(partial, { force: true });
  const message = `'${file.path}' arrived damaged twice (hash ${got}, expected ${file.hash}); something in between changes it`;
  return new HubError("network", message);
}
