import { createHash } from "node:crypto";
import { quote } from "../quote.ts";
import { HubError } from "./hub-error.ts";
import { askHub, type FetchOptions, hubFetch } from "./hub-fetch.ts";
import { readBody } from "./read-body.ts";
import type { RemoteCommit, RemoteFile, RemoteHub } from "./remote-hub.ts";

/** A model on ModelScope. Its API is of its own; every file comes with its sha256. */
export function modelScope(options: FetchOptions): RemoteHub {
  return {
    list: () => askHub(options, () => list(options)),
    read: (_commit, file, from) => read(options, file, from),
  };
}

async function list(options: FetchOptions): Promise<RemoteCommit> {
  const { settings, id, revision } = options;
  const query = new URLSearchParams({ Revision: revision, Recursive: "true" }).toString();
  const response = await hubFetch(options)(`${settings.endpoint}/api/v1/models/${id}/repo/files?${query}`);
  const answer = (await response.json().catch(() => undefined)) as { Data?: { Files?: unknown } } | undefined;
  const listed = answer?.Data?.Files;
  if (!Array.isArray(listed)) {
    const message = `${settings.endpoint} does not answer as ModelScope does; is MODELSCOPE_ENDPOINT right?`;
    throw new HubError("network", message);
  }
  const files = (listed as ListedFile[]).filter(({ Type }) => Type !== "tree").map(describeFile);
  return { commit: contentHash(files), files };
}

interface ListedFile {
  readonly Type?: unknown;
  readonly Path?: unknown;
  readonly Size?: unknown;
  readonly Sha256?: unknown;
}

function describeFile({ Path: path, Size: size, Sha256: hash }: ListedFile): RemoteFile {
  const wellFormed = typeof path === "string" && typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash);
  if (wellFormed && typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return { path, size, hash };
  throw new HubError("network", `ModelScope lists no size and sha256 of ${quote(String(path))}`);
}

/** ModelScope names no commit of the whole repository; what its files are names their version as well. */
function contentHash(files: readonly RemoteFile[]): string {
  const lines = files.map(({ path, hash }) => `${hash} ${path}\n`).sort();
  return createHash("sha1").update(lines.join("")).digest("hex");
}

async function* read(options: FetchOptions, file: RemoteFile, from: number): AsyncGenerator<Uint8Array> {
  const { settings, id, revision } = options;
  const path = [revision, ...file.path.split("/")].map(encodeURIComponent).join("/");
  const url = `${settings.endpoint}/models/${id}/resolve/${path}`;
  const range = from > 0 ? { headers: { Range: `bytes=${from}-` } } : {};
  const { body } = await hubFetch(options)(url, range);
  if (body !== null) yield* readBody(body, url, options);
}
