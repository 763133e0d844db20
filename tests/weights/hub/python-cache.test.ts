/**
 * Caches that Python's libraries made, described by tests/fixtures/make/hub_cache_oracle.py, which also asserts the other
 * direction: that Python reads what is fetched here.
 */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { Checkpoint, resolveModel } from "../../../src/weights/index.ts";
import { fixtureJson } from "../../support/fixtures.ts";
import { sha256, temporaryFolder } from "../fixtures.ts";
import { COMMIT, embeddingRepo, ID } from "./hub-repos.ts";
import { HubServer } from "./hub-server.ts";

type Entry =
  | { readonly link: string }
  | { readonly text: string }
  | { readonly bytes: number; readonly sha256: string };
type Layout = Readonly<Record<string, Entry>>;

const { caches } = fixtureJson<{ caches: Record<string, Layout> }>("hub-cache/python-cache.json");
const contents = new Map(
  Array.from(embeddingRepo().commits.get(COMMIT)?.values() ?? [], (file) => [sha256(file), file]),
);

const original = { ...process.env };
after(() => {
  process.env = original;
});

/** Makes such a cache. Only Python's own records, whose content is not the model's, stay out. */
function build(cache: string, layout: Layout): void {
  for (const [name, entry] of Object.entries(layout)) {
    const path = join(cache, name);
    mkdirSync(dirname(path), { recursive: true });
    if ("link" in entry) symlinkSync(entry.link, path);
    else if ("text" in entry) writeFileSync(path, entry.text);
    else {
      const content = contents.get(entry.sha256);
      assert.equal(content === undefined, /CACHEDIR\.TAG$|\/trees\//.test(name), name);
      if (content) writeFileSync(path, content);
    }
  }
}

function describeCache(cache: string): Layout {
  const names = (readdirSync(cache, { recursive: true }) as string[]).filter(
    (name) => !lstatSync(join(cache, name)).isDirectory(),
  );
  return Object.fromEntries(
    names.map((name) => {
      const path = join(cache, name);
      if (lstatSync(path).isSymbolicLink()) return [name, { link: readlinkSync(path) }];
      const content = readFileSync(path);
      return [
        name,
        name.includes("/refs/") ? { text: content.toString() } : { bytes: content.byteLength, sha256: sha256(content) },
      ];
    }),
  );
}

describe("a cache that Python filled", () => {
  const WHOLE: readonly (readonly [string, string | undefined])[] = [
    ["snapshot_download", undefined],
    ["snapshot_download tag", "v1.0"],
    ["sentence-transformers", undefined],
    ["copies", undefined],
  ];
  for (const [way, revision] of WHOLE) {
    it(`by ${way} is used as it is`, async () => {
      await using home = await temporaryFolder();
      await using server = await HubServer.start(embeddingRepo());
      build(home.path, caches[way] ?? {});
      process.env = { HF_HUB_CACHE: home.path, HF_ENDPOINT: server.url };
      const model = await resolveModel(ID, { revision });
      assert.deepEqual([model.commit, server.requests.length], [COMMIT, 0]);
      await using checkpoint = await Checkpoint.open(model.folder);
      assert.equal(checkpoint.tensors.size, 46);
      assert.equal(((await checkpoint.json("modules.json")) as unknown[]).length, 3);
    });
  }

  it("by transformers, which knows no modules, is completed without fetching anything again", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    build(home.path, caches["transformers"] ?? {});
    process.env = { HF_HUB_CACHE: home.path, HF_ENDPOINT: server.url };
    const { folder } = await resolveModel(ID);
    const fetched = server.downloads.map(({ path }) => path.replace(/.*\/resolve\/[^/]+\//, "")).sort();
    assert.deepEqual(fetched, ["1_Pooling/config.json", "config_sentence_transformers.json", "modules.json"]);
    await using checkpoint = await Checkpoint.open(folder);
    assert.equal(checkpoint.tensors.size, 46);
  });

  it("with a configuration alone is not taken for a model", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    build(home.path, caches["config only"] ?? {});
    process.env = { HF_HUB_CACHE: home.path, HF_ENDPOINT: server.url };
    await assert.rejects(resolveModel(ID, { localFilesOnly: true }), { message: /lacks 'model\.safetensors', and/ });
    await using checkpoint = await Checkpoint.open((await resolveModel(ID)).folder);
    assert.equal(checkpoint.tensors.size, 46);
    assert.ok(server.downloads.every(({ path }) => !path.endsWith("/config.json") || path.includes("1_Pooling")));
  });

  it("looks like one that is filled here, entry by entry", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    process.env = { HF_HUB_CACHE: home.path, HF_ENDPOINT: server.url };
    await resolveModel(ID);
    const python = caches["snapshot_download"] ?? {};
    const ours = describeCache(home.path);
    assert.equal(Object.keys(ours).length, 17, "8 files, 8 links, 1 ref");
    assert.deepEqual(ours, Object.fromEntries(Object.keys(ours).map((name) => [name, python[name]])));
  });
});
