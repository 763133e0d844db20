import { Qwen3Error } from "../../core/errors.ts";
import { quote } from "../quote.ts";
import { isCommit } from "./cache.ts";
import { HubError } from "./hub-error.ts";
import { askHub, type FetchOptions, hubFetch } from "./hub-fetch.ts";
import { readBody } from "./read-body.ts";
import type { RemoteCommit, RemoteFile, RemoteHub } from "./remote-hub.ts";

type Library = typeof import("@huggingface/hub");

/** What the hub lists, as far as it matters here; nothing in it has been checked. */
interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly oid?: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/** No model has as many; a server that lists on and on must not fill the memory. */
const MOST_FILES = 100_000;

/** A model on the Hugging Face Hub, or on a mirror that speaks its protocol. */
export async function huggingFace(options: FetchOptions): Promise<RemoteHub> {
  const library = await importLibrary();
  return {
    list: () => askHub(options, () => list(library, options)),
    read: (commit, file, from) => read(library, options, { commit, file, from }),
  };
}

async function list(library: Library, options: FetchOptions): Promise<RemoteCommit> {
  const { settings, id: name, revision } = options;
  const common = { hubUrl: settings.endpoint, fetch: hubFetch(options) };
  try {
    const { sha } = await library.modelInfo({ ...common, name, revision, additionalFields: ["sha"] });
    if (typeof sha !== "string" || !isCommit(sha)) throw new SyntaxError("no commit hash");
    const files: RemoteFile[] = [];
    for await (const entry of library.listFiles({
      ...common,
      repo: { type: "model", name },
      revision: sha,
      recursive: true,
    })) {
      if (entry.type === "file") files.push(describeFile(entry));
      if (files.length > MOST_FILES) throw new SyntaxError(`more than ${MOST_FILES} files`);
    }
    return { commit: sha, files };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof Qwen3Error) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    const message = `${settings.endpoint} does not answer as a Hugging Face hub does (${problem}); is HF_ENDPOINT right?`;
    throw new HubError("network", message, { cause: error });
  }
}

function describeFile({ path, size, oid, lfs }: ListedFile): RemoteFile {
  const hash = lfs?.oid ?? oid;
  const bytes = lfs?.size ?? size;
  // It becomes a file name.
  const wellFormed = typeof hash === "string" && (lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hash);
  if (wellFormed && Number.isSafeInteger(bytes) && bytes >= 0) return { path, size: bytes, hash };
  throw new SyntaxError(`no size and hash of ${quote(path)}`);
}

async function* read(
  library: Library,
  options: FetchOptions,
  { commit, file, from }: { readonly commit: string; readonly file: RemoteFile; readonly from: number },
): AsyncGenerator<Uint8Array> {
  const { settings, id } = options;
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const url = `${settings.endpoint}/${id}/resolve/${commit}/${path}`;
  const request = hubFetch(options);
  let failure: unknown;
  const blob = await library.downloadFile({
    repo: { type: "model", name: id },
    path: file.path,
    // Known from the list; asking again would cost a request for each file.
    downloadInfo: { url, size: file.size, etag: file.hash },
    // Ranges over HTTP continue where a break left off; the chunks of xet cannot.
    xet: false,
    // The library passes on of an error in here only its text.
    fetch: (input, init) =>
      request(input, init).catch((error: unknown) => {
        failure = error;
        throw error;
      }),
  });
  if (blob === null) throw new HubError("not-found", `${url} does not exist`);
  try {
    yield* readBody(blob.slice(from, file.size).stream(), url, options);
  } catch (error) {
    throw failure ?? error;
  }
}

async function importLibrary(): Promise<Library> {
  try {
    return await import("@huggingface/hub");
  } catch (cause) {
    const message =
      "fetching models needs the package '@huggingface/hub', which is not installed; run: npm install @huggingface/hub";
    throw new Qwen3Error("not-found", message, { cause });
  }
}
