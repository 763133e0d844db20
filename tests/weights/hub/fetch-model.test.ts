import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Checkpoint } from "../../../src/weights/checkpoint.ts";
import type { DownloadProgress } from "../../../src/weights/hub/download-progress.ts";
import { temporaryFolder } from "../fixtures.ts";
import { fetchFrom } from "./fetch-from.ts";
import { COMMIT, embeddingRepo, ID, shardedRepo } from "./hub-repos.ts";
import { gitHash, HubServer, sendJson, sha256 } from "./hub-server.ts";

const NEEDED = [
  "1_Pooling/config.json",
  "config.json",
  "config_sentence_transformers.json",
  "model.safetensors",
  "modules.json",
  "special_tokens_map.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

function listFiles(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => !lstatSync(join(folder, path)).isDirectory())
    .sort();
}

describe("fetchModel", () => {
  it("fetches what a model needs and nothing else, into the layout of Python's cache", async () => {
    await using cache = await temporaryFolder();
    const hub = embeddingRepo();
    const files = hub.commits.get(COMMIT);
    await using server = await HubServer.start(hub);
    const { repo, folder, commit } = await fetchFrom(server, cache.path);
    assert.equal(commit, COMMIT);
    assert.deepEqual(listFiles(folder), NEEDED);
    for (const path of NEEDED) {
      const content = files?.get(path) ?? Buffer.alloc(0);
      const blob = /safetensors|tokenizer\.json/.test(path) ? sha256(content) : gitHash(content);
      assert.ok(readFileSync(join(folder, path)).equals(content), path);
      assert.equal(readlinkSync(join(folder, path)), `${path.includes("/") ? "../" : ""}../../blobs/${blob}`);
    }
    assert.equal(readFileSync(join(repo, "refs/main"), "utf8"), COMMIT);
    assert.equal(readdirSync(join(repo, "blobs")).length, NEEDED.length, "only whole blobs are left");
    await using checkpoint = await Checkpoint.open(folder);
    assert.equal(checkpoint.name, ID);
  });

  it("fetches the shards that the index names", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(shardedRepo());
    const { repo, folder, commit } = await fetchFrom(server, cache.path);
    await using checkpoint = await Checkpoint.open(folder);
    assert.equal(checkpoint.files.length, 3);
    assert.deepEqual(listFiles(join(repo, ".no_exist", commit)), [
      "config_sentence_transformers.json",
      "modules.json",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
  });

  it("asks only for what is not there yet", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    await fetchFrom(server, cache.path);
    const before = server.downloads.length;
    await fetchFrom(server, cache.path, { revision: "v1.0" });
    await fetchFrom(server, cache.path, { revision: COMMIT });
    assert.equal(server.downloads.length, before);
    const refs = join(cache.path, "models--Qwen--Qwen3-Embedding-0.6B/refs");
    assert.deepEqual(readdirSync(refs), ["main", "v1.0"]);
    await fetchFrom(server, cache.path, { revision: "refs/pr/1" });
    assert.equal(readFileSync(join(refs, "refs/pr/1"), "utf8"), COMMIT);
  });

  it("keeps what two commits share once, and moves the branch when the new one is whole", async () => {
    await using cache = await temporaryFolder();
    const old = embeddingRepo();
    const files = new Map(old.commits.get(COMMIT));
    const next = "d".repeat(40);
    const commits = new Map([...old.commits, [next, files.set("config.json", Buffer.from('{"new": 1}'))]]);
    const refs = new Map([["main", COMMIT]]);
    await using server = await HubServer.start({ ...old, commits, refs });
    const first = await fetchFrom(server, cache.path);
    const before = server.downloads.length;
    refs.set("main", next);
    server.intercept = (request, response) => request.path.includes("/resolve/") && (response.destroy(), true);
    await assert.rejects(fetchFrom(server, cache.path), { code: "network" });
    assert.equal(readFileSync(join(first.repo, "refs/main"), "utf8"), COMMIT);
    server.intercept = undefined;
    const second = await fetchFrom(server, cache.path);
    assert.equal(readFileSync(join(first.repo, "refs/main"), "utf8"), next);
    assert.equal(readFileSync(join(second.folder, "config.json"), "utf8"), '{"new": 1}');
    assert.equal(server.downloads.slice(before).filter(({ path }) => !path.includes("config.json")).length, 0);
  });

  it("reports progress per file and in total, and the end exactly once", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(shardedRepo());
    const events: DownloadProgress[] = [];
    await fetchFrom(server, cache.path, { onProgress: (event) => events.push(event) });
    const total = [...(shardedRepo().commits.get(COMMIT)?.values() ?? [])].reduce(
      (sum, file) => sum + file.byteLength,
      0,
    );
    assert.ok(events.every((event) => event.stage === "download" && event.unit === "bytes" && event.total === total));
    assert.deepEqual(
      events.map(({ completed }) => completed),
      events.map(({ completed }) => completed).toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      events.filter(({ completed }) => completed === total).map(({ file }) => file.path),
      ["config.json"],
    );
    const shard = events.filter(({ file }) => file.path === "model-00002-of-00003.safetensors");
    assert.ok(shard.length > 1, "a large file reports on the way");
    assert.ok(shard.every(({ file }) => file.total === 509144) && shard.at(-1)?.file.completed === 509144);
  });

  it("copies where there are no links", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    const { repo, folder } = await fetchFrom(server, cache.path, { links: false });
    assert.ok(NEEDED.every((path) => lstatSync(join(folder, path)).isFile()));
    assert.deepEqual(readdirSync(join(repo, "blobs")), []);
    await fetchFrom(server, cache.path);
    await using checkpoint = await Checkpoint.open(folder);
    assert.equal(checkpoint.tensors.size, 46);
  });

  it("sends a token to the hub and to nobody else", async () => {
    await using cache = await temporaryFolder();
    const tokens = new Map([["secret", true]]);
    await using server = await HubServer.start({ ...embeddingRepo(), access: "private", tokens });
    await fetchFrom(server, cache.path, { token: { value: "secret", from: "HF_TOKEN" } });
    const hosts = new Set(server.requests.map(({ host, authorization }) => `${host} ${authorization}`));
    assert.deepEqual(hosts, new Set(["hub Bearer secret", "cdn undefined"]));
    // By redirect a token is lost anyway; a list's next page may be anywhere too.
    server.intercept = ({ path }, response) => {
      if (!path.includes("/tree/")) return false;
      response.setHeader("Link", `<${server.cdnUrl}/next>; rel="next"`);
      sendJson(response, []);
      return true;
    };
    server.requests.length = 0;
    await assert.rejects(fetchFrom(server, cache.path, { token: { value: "secret", from: "HF_TOKEN" } }));
    assert.deepEqual(
      server.requests.filter(({ path }) => path === "/next").map(({ authorization }) => authorization),
      [undefined],
    );
  });

  it("leaves nothing that looks whole when it is aborted, and goes on from there", async () => {
    await using cache = await temporaryFolder();
    await using server = await HubServer.start(shardedRepo());
    const aborted = new AbortController();
    const onProgress = ({ completed, total }: DownloadProgress): void => {
      if (completed > total / 2) aborted.abort(new Error("enough"));
    };
    await assert.rejects(fetchFrom(server, cache.path, { onProgress, signal: aborted.signal }), { message: "enough" });
    const repo = join(cache.path, "models--Qwen--Qwen3-Embedding-0.6B");
    assert.ok(!existsSync(join(repo, "snapshots", COMMIT, "config.json")));
    assert.ok(!existsSync(join(repo, "refs/main")));
    for (const blob of readdirSync(join(repo, "blobs")).filter((name) => !name.includes("."))) {
      const content = readFileSync(join(repo, "blobs", blob));
      assert.equal(blob.length === 64 ? sha256(content) : gitHash(content), blob);
    }
    const { folder } = await fetchFrom(server, cache.path);
    await using checkpoint = await Checkpoint.open(folder);
    assert.equal(checkpoint.files.length, 3);
    assert.deepEqual(listFiles(join(cache.path, ".locks")), [], "no lock is left");
  });
});
