/** From an id to a folder: what is cached is used, what is missing is fetched, and the environment is obeyed. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { EmbeddingModel } from "../../../src/index.ts";
import type { Environment } from "../../../src/weights/hub/environment.ts";
import { resolveModel } from "../../../src/weights/index.ts";
import { temporaryFolder } from "../fixtures.ts";
import { COMMIT, embeddingRepo, ID } from "./hub-repos.ts";
import { HubServer, sendError } from "./hub-server.ts";

const original = { ...process.env };
after(() => {
  process.env = original;
});

/** The environment of a user with this home, and nothing of the machine's own. */
function environment(home: string, server: HubServer, rest: Environment = {}): void {
  process.env = { PATH: original["PATH"], HOME: home, HF_ENDPOINT: `${server.url}/`, ...rest };
}

describe("a model of the hub", () => {
  it("is fetched once, then used without a question to anyone", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    environment(home.path, server);
    const model = await resolveModel(ID);
    const folder = join(home.path, ".cache/huggingface/hub/models--Qwen--Qwen3-Embedding-0.6B/snapshots", COMMIT);
    assert.deepEqual(model, { folder, origin: "huggingface", name: ID, revision: "main", commit: COMMIT });
    server.requests.length = 0;
    assert.deepEqual(await resolveModel(ID), model);
    assert.deepEqual(await resolveModel(`hf:${ID}`, { revision: COMMIT }), { ...model, revision: COMMIT });
    assert.equal(server.requests.length, 0);
  });

  it("is loaded by its id, with progress", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    environment(home.path, server);
    const stages = new Set<string>();
    await using model = await EmbeddingModel.load(ID, {
      device: "reference",
      onProgress: ({ stage }) => stages.add(stage),
    });
    assert.deepEqual([...stages], ["download", "load"]);
    await using bundled = await EmbeddingModel.load(undefined, { device: "reference" });
    assert.deepEqual(await model.encodeQuery("hello"), await bundled.encodeQuery("hello"));
  });

  it("is not fetched where fetching is forbidden", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    environment(home.path, server, { HF_HUB_OFFLINE: "1" });
    await assert.rejects(resolveModel(ID), {
      code: "not-found",
      message: /, and HF_HUB_OFFLINE forbids fetching it\. To get it, run `qwen3 pull/,
    });
    environment(home.path, server);
    await assert.rejects(resolveModel(ID, { localFilesOnly: true }), { message: /localFilesOnly forbids/ });
    assert.equal(server.requests.length, 0);
  });

  it("is completed where another program fetched only a part of it", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    environment(home.path, server);
    const { folder } = await resolveModel(ID);
    for (const path of ["modules.json", "config_sentence_transformers.json", "1_Pooling"])
      rmSync(join(folder, path), { recursive: true });
    environment(home.path, server, { HF_HUB_OFFLINE: "1" });
    assert.equal((await resolveModel(ID)).folder, folder, "what is there can be used offline");
    environment(home.path, server);
    await resolveModel(ID);
    assert.deepEqual(readdirSync(join(folder, "1_Pooling")), ["config.json"]);
    // The pooling configuration alone: modules.json tells that there is one.
    rmSync(join(folder, "1_Pooling/config.json"));
    await resolveModel(ID);
    assert.deepEqual(readdirSync(join(folder, "1_Pooling")), ["config.json"]);
  });

  it("is used as far as it is there when the hub fails", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    environment(home.path, server);
    const { folder } = await resolveModel(ID);
    rmSync(join(folder, "tokenizer_config.json"));
    server.intercept = (_, response) => (sendError(response, 404, "RepoNotFound", "gone"), true);
    assert.equal((await resolveModel(ID)).folder, folder);
    rmSync(join(folder, "config.json"));
    const message = /is in the cache, but .* lacks 'config\.json', and fetching it failed: .* has no public model/;
    await assert.rejects(resolveModel(ID), { code: "not-found", message });
  });

  it("is used as far as it is there where the cache cannot be written, which is said otherwise", async () => {
    await using home = await temporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    environment(home.path, server);
    const { folder } = await resolveModel(ID);
    // Where .locks should be a folder, a file: that stops every user, even root.
    const cache = join(home.path, ".cache/huggingface/hub");
    rmSync(join(cache, ".locks"), { recursive: true });
    writeFileSync(join(cache, ".locks"), "");
    rmSync(join(folder, "tokenizer_config.json"));
    assert.equal((await resolveModel(ID)).folder, folder);
    rmSync(join(folder, "config.json"));
    const message = /^the cache .*\/hub cannot be filled \(E.*\); set cacheDir or HF_HUB_CACHE to a folder that can be/;
    await assert.rejects(resolveModel(ID), { code: "invalid-argument", message });
  });

  it("is fetched with the token of the environment, or of `hf auth login`", async () => {
    await using home = await temporaryFolder();
    const tokens = new Map([
      ["from-variable", true],
      ["from-file", true],
    ]);
    await using server = await HubServer.start({ ...embeddingRepo(), access: "private", tokens });
    const HF_HOME = home.path;
    environment(home.path, server, { HF_HOME });
    await assert.rejects(resolveModel(ID), { message: /has no public model/ });
    writeFileSync(join(home.path, "token"), "from-file\n");
    await resolveModel(ID);
    assert.equal(server.requests.at(-1)?.authorization ?? server.requests.at(-2)?.authorization, "Bearer from-file");
    environment(home.path, server, { HF_HOME, HF_TOKEN: "from-variable\n", HF_HUB_CACHE: join(home.path, "other") });
    server.requests.length = 0;
    await resolveModel(ID);
    assert.equal(server.requests[0]?.authorization, "Bearer from-variable");
    environment(home.path, server, {
      HF_HOME,
      HF_HUB_DISABLE_IMPLICIT_TOKEN: "1",
      HF_HUB_CACHE: join(home.path, "third"),
    });
    await assert.rejects(resolveModel(ID), { message: /has no public model/ });
  });
});
