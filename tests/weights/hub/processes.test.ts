import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Checkpoint } from "../../../src/weights/checkpoint.ts";
import { temporaryFolder } from "../fixtures.ts";
import { COMMIT, ID, shardedRepo } from "./hub-repos.ts";
import { HubServer, sha256 } from "./hub-server.ts";

const SCRIPT = fileURLToPath(new URL("./fetch-process.js", import.meta.url));
const SHARD = shardedRepo().commits.get(COMMIT)?.get("model-00001-of-00003.safetensors") ?? Buffer.alloc(0);

interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<{ readonly code: number | null; readonly stdout: string }>;
}

function start(server: HubServer, cache: string): Running {
  const env = { PATH: process.env["PATH"], HOME: cache, HF_ENDPOINT: server.url, HF_HUB_CACHE: cache };
  const child = spawn(process.execPath, [SCRIPT, ID], { env, stdio: ["ignore", "pipe", "ignore"] });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const done = new Promise<{ code: number | null; stdout: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout }));
  });
  return { child, done };
}

/** Sends a shard so slowly that a test can act meanwhile; the rest of it once `release` is called. */
function slowShard(server: HubServer): { readonly begun: Promise<void>; readonly release: () => void } {
  const { promise: begun, resolve: begin } = withResolvers();
  const { promise: released, resolve: release } = withResolvers();
  let isFirst = true;
  server.intercept = ({ path }, response) => {
    if (!isFirst || !path.includes(sha256(SHARD))) return false;
    isFirst = false;
    response.writeHead(200, { "Content-Length": SHARD.byteLength });
    response.write(SHARD.subarray(0, 300_000), begin);
    void released.then(() => response.end(SHARD.subarray(300_000)));
    return true;
  };
  return { begun, release };
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((resolvePromise) => {
    resolve = resolvePromise;
  });
  return { promise, resolve };
}

describe("several processes that fetch the same model", () => {
  it("share the work and get the same files", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(shardedRepo());
    const { begun, release } = slowShard(server);
    const processes = [start(server, cache.path)];
    await begun;
    processes.push(start(server, cache.path), start(server, cache.path));
    // The others know what to fetch, and had the time to ask for it if nothing stopped them.
    while (server.requests.filter(({ path }) => path.includes("/tree/")).length < processes.length) await sleep(10);
    await sleep(1000);
    release();
    const results = await Promise.all(processes.map(({ done }) => done));
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0, 0],
      results[0]?.stdout,
    );
    assert.equal(new Set(results.map(({ stdout }) => stdout)).size, 1);
    const shards = server.downloads.filter(({ host, path }) => host === "cdn" && path.includes(sha256(SHARD)));
    assert.equal(shards.length, 1, "each file is fetched once");
    await using checkpoint = await Checkpoint.open(
      join(cache.path, "models--Qwen--Qwen3-Embedding-0.6B/snapshots", COMMIT),
    );
    assert.equal(checkpoint.files.length, 3);
  });

  it("take over from one that was killed, and go on where it was", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(shardedRepo());
    const { begun } = slowShard(server);
    const first = start(server, cache.path);
    await begun;
    const blobs = join(cache.path, "models--Qwen--Qwen3-Embedding-0.6B/blobs");
    const partial = join(blobs, `${sha256(SHARD)}.qwen3.incomplete`);
    while ((statSync(partial, { throwIfNoEntry: false })?.size ?? 0) === 0) await sleep(10);
    first.child.kill("SIGKILL");
    await first.done;
    const second = await start(server, cache.path).done;
    assert.equal(second.code, 0, second.stdout);
    const ranges = server.downloads.filter(({ path }) => path.includes(sha256(SHARD))).map(({ range }) => range);
    assert.equal(ranges.length, 2);
    assert.match(ranges[1] ?? "", /^bytes=[1-9]\d*-506279$/);
    assert.ok(readdirSync(blobs).every((name) => !name.includes("incomplete")));
  });
});
