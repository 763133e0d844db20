/** The fault table: what is broken, and what the user sees. docs/fetching.md shows it. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Checkpoint } from "../../../src/weights/checkpoint.ts";
import { temporaryFolder } from "../fixtures.ts";
import { fetchFrom } from "./fetch-from.ts";
import { COMMIT, embeddingRepo, ID, repo, shardedRepo } from "./hub-repos.ts";
import {
  type HubRepo,
  HubServer,
  type Intercept,
  sendBytes,
  type SeenRequest,
  sendError,
  sendJson,
  sha256,
} from "./hub-server.ts";

type Options = NonNullable<Parameters<typeof fetchFrom>[2]>;

interface Fault {
  readonly broken: string;
  readonly repo?: HubRepo;
  readonly intercept?: Intercept;
  readonly options?: Options;
}

const WEIGHTS = embeddingRepo().commits.get(COMMIT)?.get("model.safetensors") ?? Buffer.alloc(0);
const WEIGHTS_HASH = sha256(WEIGHTS);
const isWeights = ({ path }: SeenRequest): boolean => path.includes(WEIGHTS_HASH);

/** Answers the first `times` requests that match, then leaves them to the server. */
function first(
  times: number,
  matches: (request: SeenRequest) => boolean,
  answer: (request: SeenRequest, response: ServerResponse) => void,
): Intercept {
  let left = times;
  return (request, response) => {
    if (!matches(request) || left-- <= 0) return false;
    answer(request, response);
    return true;
  };
}

function always(
  matches: (request: SeenRequest) => boolean,
  answer: (request: SeenRequest, response: ServerResponse) => void,
): Intercept {
  return first(Infinity, matches, answer);
}

function sendPage(response: ServerResponse, status: number): void {
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8" }).end("<html>Please log in</html>");
}

/** Lists a file other than it is. */
function listed(path: string, change: Record<string, unknown>): Intercept {
  return always(
    (request) => request.path.includes("/tree/"),
    (_, response) => sendJson(response, [{ type: "file", path, size: 5, oid: "a".repeat(40), ...change }]),
  );
}

const flipped = Buffer.from(WEIGHTS);
flipped[1_000_000] = (flipped[1_000_000] ?? 0) ^ 1;

const HEALED: readonly Fault[] = [
  {
    broken: "the connection breaks in the middle of a file, twice",
    intercept: first(2, isWeights, (request, response) =>
      sendBytes(request, response, WEIGHTS, WEIGHTS_HASH, 2_000_000),
    ),
  },
  {
    broken: "the hub answers 503, then 429 with Retry-After",
    intercept: first(
      2,
      ({ path }) => path.includes("/revision/"),
      (() => {
        let status = 503;
        return (_: SeenRequest, response: ServerResponse) => {
          response.setHeader("Retry-After", "0");
          sendError(response, status, "", "Busy");
          status = 429;
        };
      })(),
    ),
  },
  {
    broken: "a server that cannot continue a file sends all of it again",
    intercept: (() => {
      let requests = 0;
      return (request: SeenRequest, response: ServerResponse) => {
        if (!isWeights(request)) return false;
        const whole = { method: "GET", range: undefined };
        sendBytes(whole, response, WEIGHTS, WEIGHTS_HASH, ++requests === 1 ? 2_000_000 : Infinity);
        return true;
      };
    })(),
  },
  {
    broken: "a file stops coming",
    options: { stallMs: 300 },
    intercept: first(1, isWeights, (_, response) => {
      response.writeHead(200, { "Content-Length": WEIGHTS.byteLength }).write(WEIGHTS.subarray(0, 1_000_000));
    }),
  },
  {
    broken: "bytes change on the way, once",
    intercept: first(1, isWeights, (request, response) => sendBytes(request, response, flipped, WEIGHTS_HASH)),
  },
];

const SEEN: readonly (Fault & { readonly code: string; readonly sees: RegExp })[] = [
  {
    broken: "the id is wrong, or private, and there is no token",
    repo: { ...embeddingRepo(), id: "Qwen/other" },
    code: "not-found",
    sees: /has no public model 'Qwen\/Qwen3-Embedding-0\.6B'\. If the name is right, it is private: set HF_TOKEN .*settings\/tokens/,
  },
  {
    broken: "the id is wrong, with a token",
    repo: { ...embeddingRepo(), id: "Qwen/other", tokens: new Map([["t", true]]) },
    options: { token: { value: "t", from: "HF_TOKEN" } },
    code: "not-found",
    sees: /has no model .* that the token from HF_TOKEN may read\. Is the name right\?/,
  },
  {
    broken: "the token has expired",
    options: { token: { value: "old", from: "/home/me/token" } },
    code: "not-found",
    sees: /the token from \/home\/me\/token may read.*Is the token still valid \(/,
  },
  {
    broken: "a gated model without a token",
    repo: { ...embeddingRepo(), access: "gated" },
    code: "network",
    sees: /needs a login: accept its terms on http.*\/Qwen\/Qwen3-Embedding-0\.6B, then set HF_TOKEN/,
  },
  {
    broken: "a gated model whose terms were not accepted",
    repo: { ...embeddingRepo(), access: "gated", tokens: new Map([["t", false]]) },
    options: { token: { value: "t", from: "HF_TOKEN" } },
    code: "network",
    sees: /is gated, and the account of the token from HF_TOKEN has no access; accept its terms on http/,
  },
  {
    broken: "there is no such revision",
    options: { revision: "v9" },
    code: "not-found",
    sees: /has no revision 'v9' on http.* spelled right\?/,
  },
  {
    broken: "a mirror that does not know the model and says only 404",
    intercept: always(
      () => true,
      (_, response) => void response.writeHead(404).end("no"),
    ),
    code: "not-found",
    sees: /has no \/api\/models\/.* \(404\); is 'Qwen\/.*' spelled right\?/,
  },
  {
    broken: "a proxy's login page instead of the API",
    intercept: always(
      () => true,
      (_, response) => sendPage(response, 200),
    ),
    code: "network",
    sees: /answered with a web page \(200\) instead of data: a proxy, .* open that address in a browser/,
  },
  {
    broken: "a proxy's login page instead of a file",
    intercept: always(isWeights, (_, response) => sendPage(response, 200)),
    code: "network",
    sees: /\/[0-9a-f]{64}\?signature=x answered with a web page \(200\)/,
  },
  {
    broken: "a firewall that answers 403 with a page",
    intercept: always(
      () => true,
      (_, response) => sendPage(response, 403),
    ),
    code: "network",
    sees: /web page \(403\).*set HF_ENDPOINT to a mirror/,
  },
  {
    broken: "something that is no hub at HF_ENDPOINT",
    intercept: always(
      () => true,
      (_, response) => sendJson(response, { hello: "world" }),
    ),
    code: "network",
    sees: /does not answer as a Hugging Face hub does \(no commit hash\); is HF_ENDPOINT right\?/,
  },
  {
    broken: "the hub fails on every try",
    intercept: always(
      () => true,
      (_, response) => sendError(response, 500, "", "Oops"),
    ),
    code: "network",
    sees: /answered 500 for 'Qwen\/.*; try again later/,
  },
  {
    broken: "the hub accepts the connection and says nothing",
    options: { answerMs: 100, tries: 2 },
    intercept: () => true,
    code: "network",
    sees: /cannot be reached \(no answer within 0\.1 s\); check the connection/,
  },
  {
    broken: "every answer ends too early",
    intercept: always(isWeights, (_, response) => void response.writeHead(200).end(Buffer.alloc(0))),
    code: "network",
    sees: /the download of 'model\.safetensors' broke off after 0 of 6693800 bytes; run it again to continue/,
  },
  {
    broken: "a server that neither finishes a file nor continues it",
    intercept: always(isWeights, (_, response) =>
      sendBytes({ method: "GET", range: undefined }, response, WEIGHTS, "x", 500_000),
    ),
    code: "network",
    sees: /the download of 'model\.safetensors' broke off after 500000 of 6693800 bytes/,
  },
  {
    broken: "bytes change on the way, every time",
    intercept: always(isWeights, (request, response) => sendBytes(request, response, flipped, WEIGHTS_HASH)),
    code: "network",
    sees: /'model\.safetensors' arrived damaged twice \(hash [0-9a-f]{64}, expected [0-9a-f]{64}\); something in between/,
  },
  {
    broken: "a file is longer than the hub says",
    intercept: always(isWeights, (_, response) => void response.writeHead(200).end(Buffer.concat([WEIGHTS, WEIGHTS]))),
    code: "network",
    sees: /'model\.safetensors' came with more than the 6693800 bytes it should have/,
  },
  {
    broken: "the repository has no safetensors",
    repo: repo(
      new Map([
        ["config.json", Buffer.from("{}")],
        ["pytorch_model.bin", Buffer.from("x")],
      ]),
    ),
    code: "unsupported",
    sees: /holds neither model\.safetensors nor .*; it has 'pytorch_model\.bin'\. Is there another repository/,
  },
  {
    broken: "the index names a shard that the repository does not have",
    repo: repo(new Map([...(shardedRepo().commits.get(COMMIT) ?? [])].filter(([path]) => !path.includes("00002")))),
    code: "invalid-checkpoint",
    sees: /names 'model-00002-of-00003\.safetensors', which the repository does not have/,
  },
  {
    broken: "a hash that is a path",
    intercept: listed("model.safetensors", { lfs: { oid: "../../../../etc/passwd", size: 5 } }),
    code: "network",
    sees: /does not answer as a Hugging Face hub does \(no size and hash of 'model\.safetensors'\)/,
  },
  {
    broken: "the disk is too small",
    intercept: listed("model.safetensors", { lfs: { oid: "b".repeat(64), size: 1e15 } }),
    code: "too-large",
    sees: /needs 1000000\.00 GB more on the disk of .*, which has [\d.]+ GB free; make room, or set cacheDir/,
  },
];

describe("fetching through faults: healed", () => {
  for (const { broken, intercept, options } of HEALED) {
    it(broken, async () => {
      await using cache = await temporaryFolder();
      await using server = await HubServer.start(embeddingRepo(), intercept);
      const { folder } = await fetchFrom(server, cache.path, options);
      await using checkpoint = await Checkpoint.open(folder);
      assert.equal(sha256(Buffer.from(await checkpoint.read("norm.weight"))).length, 64);
      assert.ok(server.downloads.filter(isWeights).length > (broken.includes("503") ? 0 : 1));
    });
  }

  it("continues where it broke off, and does not ask for what it has", async () => {
    await using cache = await temporaryFolder();
    const breaking = first(2, isWeights, (request, response) =>
      sendBytes(request, response, WEIGHTS, WEIGHTS_HASH, 2_000_000),
    );
    await using server = await HubServer.start(embeddingRepo(), breaking);
    await fetchFrom(server, cache.path);
    const asked = server.downloads
      .filter(isWeights)
      .map(({ range }) => Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0));
    assert.equal(asked.length, 3);
    assert.equal(asked[0], 0);
    assert.ok((asked[1] ?? 0) > 0 && (asked[2] ?? 0) > (asked[1] ?? 0), String(asked));
  });

  for (const [what, left] of [
    ["a damaged beginning", Buffer.alloc(3_000_000)],
    ["more than the file has", Buffer.concat([WEIGHTS, WEIGHTS])],
    ["all of the file, unnamed", WEIGHTS],
  ] as const) {
    it(`an earlier try left ${what}`, async () => {
      await using cache = await temporaryFolder();
      const blobs = join(cache.path, "models--Qwen--Qwen3-Embedding-0.6B/blobs");
      mkdirSync(blobs, { recursive: true });
      writeFileSync(join(blobs, `${WEIGHTS_HASH}.qwen3.incomplete`), left);
      await using server = await HubServer.start(embeddingRepo());
      const { folder } = await fetchFrom(server, cache.path);
      await using checkpoint = await Checkpoint.open(folder);
      assert.equal(checkpoint.tensors.size, 46);
      assert.equal(server.downloads.filter(isWeights).length > 0, left !== WEIGHTS);
    });
  }
});

describe("fetching through faults: seen", () => {
  for (const { broken, repo: served = embeddingRepo(), intercept, options, code, sees } of SEEN) {
    it(broken, async () => {
      await using cache = await temporaryFolder();
      await using server = await HubServer.start(served, intercept);
      await assert.rejects(fetchFrom(server, cache.path, options), (error: Error) => {
        assert.match(error.message, sees);
        assert.equal((error as { code?: string }).code, code);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  it("nothing listens at the address", async () => {
    await using cache = await temporaryFolder();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(fetchFrom({ url }, cache.path), {
      code: "network",
      message:
        /^127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); check the connection; .*set HF_ENDPOINT to a mirror$/,
    });
  });

  it("a server that lists files without an end", async () => {
    await using cache = await temporaryFolder();
    const entries = Array.from({ length: 30_000 }, (_, i) => ({
      type: "file",
      path: `${i}`,
      size: 1,
      oid: "a".repeat(40),
    }));
    const endless = always(
      ({ path }) => path.includes("/tree/"),
      (_, response) => {
        response.setHeader("Link", `<${server.url}/api/models/${ID}/tree/${COMMIT}?cursor=1>; rel="next"`);
        sendJson(response, entries);
      },
    );
    await using server = await HubServer.start(embeddingRepo(), endless);
    await assert.rejects(fetchFrom(server, cache.path), { message: /more than 100000 files/ });
    assert.ok(server.requests.length < 10);
  });
});
