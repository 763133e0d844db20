/**
 * A server on 127.0.0.1 that speaks the Hugging Face Hub's protocol as far as models are fetched by it: the revision and
 * tree APIs, `resolve` with its headers and errors, large files on another host by redirect, tokens, ranges.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Files = ReadonlyMap<string, Buffer>;

export interface HubRepo {
  readonly id: string;
  /** Files by commit. */
  readonly commits: ReadonlyMap<string, Files>;
  /** Branches and tags. */
  readonly refs: ReadonlyMap<string, string>;
  /** Needed to see anything (`private`) or to fetch files (`gated`). */
  readonly access?: "private" | "gated";
  /** Tokens that are known, and whether they may read. */
  readonly tokens?: ReadonlyMap<string, boolean>;
}

export interface SeenRequest {
  readonly method: string;
  readonly host: "hub" | "cdn";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers a request itself (returns true), or leaves it to the server. */
export type Intercept = (request: SeenRequest, response: ServerResponse, server: HubServer) => boolean;

const PAGE = 5;

export class HubServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  intercept: Intercept | undefined;
  readonly #repo: HubRepo;
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(repo: HubRepo) {
    this.#repo = repo;
    this.#hub = createServer((request, response) => this.#handle("hub", request, response));
    this.#cdn = createServer((request, response) => this.#handle("cdn", request, response));
  }

  static async start(repo: HubRepo, intercept?: Intercept): Promise<HubServer> {
    const server = new HubServer(repo);
    server.intercept = intercept;
    for (const each of [server.#hub, server.#cdn]) {
      await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
    }
    return server;
  }

  get url(): string {
    return addressOf(this.#hub);
  }

  /** Another origin, where large files are. */
  get cdnUrl(): string {
    return addressOf(this.#cdn);
  }

  /** The requests for the contents of files. */
  get downloads(): readonly SeenRequest[] {
    return this.requests.filter(
      ({ method, host, path }) => method === "GET" && (host === "cdn" || path.includes("/resolve/")),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #handle(host: "hub" | "cdn", request: IncomingMessage, response: ServerResponse): void {
    const { method = "GET", url = "/", headers } = request;
    const seen = { method, host, path: url, range: headers.range, authorization: headers.authorization };
    this.requests.push(seen);
    if (this.intercept?.(seen, response, this) === true) return;
    if (host === "cdn") this.#serveLarge(seen, response);
    else this.#serveHub(seen, response);
  }

  #serveHub(request: SeenRequest, response: ServerResponse): void {
    const { id, access } = this.#repo;
    const { pathname: asked, searchParams } = new URL(request.path, this.url);
    const pathname = asked === `/api/models/${id}` ? `${asked}/revision/main` : asked;
    const token = request.authorization?.replace("Bearer ", "");
    const mayRead = token === undefined ? access === undefined : this.#repo.tokens?.get(token) === true;
    const isApi = pathname.startsWith(`/api/models/${id}/`);
    if (token !== undefined && this.#repo.tokens?.has(token) !== true)
      return sendError(response, 401, "", "Invalid credentials in Authorization header");
    if ((!isApi && !pathname.startsWith(`/${id}/`)) || (access === "private" && !mayRead)) {
      return sendError(response, token === undefined ? 401 : 404, "RepoNotFound", "Repository not found");
    }
    const [kind, encoded = "", ...rest] = pathname.slice((isApi ? `/api/models/${id}/` : `/${id}/`).length).split("/");
    const commit = this.#commitOf(decodeURIComponent(encoded));
    const files = commit === undefined ? undefined : this.#repo.commits.get(commit);
    if (commit === undefined || !files) return sendError(response, 404, "RevisionNotFound", "Invalid rev id");
    if (kind === "revision")
      return sendJson(response, {
        _id: "0",
        id,
        sha: commit,
        private: false,
        gated: false,
        lastModified: new Date(0),
        siblings: [],
      });
    if (kind === "tree") return this.#serveTree(pathname, searchParams, response, files);
    if (access === "gated" && !mayRead)
      return sendError(response, token === undefined ? 401 : 403, "GatedRepo", "Access is restricted");
    const path = rest.map(decodeURIComponent).join("/");
    const content = files.get(path);
    response.setHeader("X-Repo-Commit", commit);
    if (!content) return sendError(response, 404, "EntryNotFound", "Entry not found");
    if (!isLarge(path)) return sendBytes(request, response, content, gitHash(content));
    const hash = sha256(content);
    response.setHeader("X-Linked-Etag", `"${hash}"`).setHeader("X-Linked-Size", content.byteLength);
    response.writeHead(302, { Location: `${this.cdnUrl}/${hash}?signature=x` }).end();
  }

  #commitOf(revision: string): string | undefined {
    return this.#repo.commits.has(revision) ? revision : this.#repo.refs.get(revision);
  }

  #serveTree(pathname: string, query: URLSearchParams, response: ServerResponse, files: Files): void {
    const from = Number(query.get("cursor") ?? 0);
    const entries = Array.from(files, ([path, content]) => {
      const entry = { type: "file", path, oid: gitHash(content), size: content.byteLength };
      return isLarge(path)
        ? { ...entry, lfs: { oid: sha256(content), size: content.byteLength, pointerSize: 130 } }
        : entry;
    });
    if (from + PAGE < entries.length) {
      query.set("cursor", String(from + PAGE));
      response.setHeader("Link", `<${this.url}${pathname}?${query.toString()}>; rel="next"`);
    }
    sendJson(response, entries.slice(from, from + PAGE));
  }

  #serveLarge(request: SeenRequest, response: ServerResponse): void {
    const hash = new URL(request.path, this.cdnUrl).pathname.slice(1);
    const contents = Array.from(this.#repo.commits.values(), (files) => Array.from(files.values())).flat();
    const content = contents.find((each) => sha256(each) === hash);
    // As S3 does: a signed address and a token at once are refused.
    if (request.authorization !== undefined || !content) return sendError(response, 400, "", "Bad request");
    sendBytes(request, response, content, hash);
  }
}

/** What the hub keeps outside of git. */
function isLarge(path: string): boolean {
  return /\.(?:safetensors|bin|onnx)$|^tokenizer\.json$/.test(path);
}

export function gitHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.byteLength}\0`).update(content).digest("hex");
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** A file or the range asked for, with as much of it as `limit` lets through before the connection breaks. */
export function sendBytes(
  { method, range }: Pick<SeenRequest, "method" | "range">,
  response: ServerResponse,
  content: Buffer,
  etag: string,
  limit: number = Infinity,
): void {
  const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const start = Number(first);
  const end = last === "" ? content.byteLength : Number(last) + 1;
  const body = content.subarray(start, end);
  response
    .setHeader("ETag", `"${etag}"`)
    .setHeader("Content-Length", body.byteLength)
    .setHeader("Accept-Ranges", "bytes");
  if (range !== undefined) response.setHeader("Content-Range", `bytes ${start}-${end - 1}/${content.byteLength}`);
  response.writeHead(range === undefined ? 200 : 206);
  if (method === "HEAD") response.end();
  else if (body.byteLength <= limit) response.end(body);
  else response.write(body.subarray(0, limit), () => setTimeout(() => response.destroy(), 20));
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("Content-Type", "application/json; charset=utf-8").end(JSON.stringify(value));
}

export function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  if (code !== "") response.setHeader("X-Error-Code", code);
  response.writeHead(status, { "Content-Type": "application/json", "X-Error-Message": message });
  response.end(JSON.stringify({ error: message }));
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
