import assert from "node:assert/strict";
import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { describe, it } from "node:test";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { isHubId } from "../../src/weights/hub/cache.ts";
import { cacheFolder, type Environment } from "../../src/weights/hub/environment.ts";
import { resolveModel } from "../../src/weights/resolve-model.ts";
import { goldens, temporaryFolder } from "./fixtures.ts";

const ID = "Qwen/Qwen3-Embedding-0.6B";
/** Nothing here may go out to a hub. */
process.env["HF_HUB_OFFLINE"] = "1";

const COMMIT = "c54f2e6e80b2d7b7de06f51cec4959f6b3e03418";

/** Puts a model into a hub cache as Python's library would: blobs, links to them, and a ref. */
async function cached(
  cache: string,
  options: { readonly ref?: string; readonly commit?: string; readonly links?: boolean } = {},
) {
  const { ref = "main", commit = COMMIT, links = true } = options;
  const repo = join(cache, "models--Qwen--Qwen3-Embedding-0.6B");
  const snapshot = join(repo, "snapshots", commit);
  await mkdir(join(repo, "blobs"), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  for (const [i, file] of ["config.json", "model.safetensors"].entries()) {
    const source = join(goldens, "models/mini-embed", file);
    const blob = join(repo, "blobs", `${i}`.repeat(64));
    await cp(source, links ? blob : join(snapshot, file));
    if (links) await symlink(relative(snapshot, blob), join(snapshot, file));
  }
  await mkdir(join(repo, "refs", ref, ".."), { recursive: true });
  await writeFile(join(repo, "refs", ref), commit);
  return { repo, snapshot };
}

describe("resolveModel", () => {
  it("gives the bundled model if none is named, or by its name", async () => {
    const model = await resolveModel();
    assert.deepEqual({ ...model, folder: "" }, { folder: "", origin: "bundled", name: "qwen3-embedding-tiny" });
    assert.deepEqual(await resolveModel("qwen3-embedding-tiny"), model);
    await using checkpoint = await Checkpoint.open(model.folder);
    assert.equal(checkpoint.tensors.size, 46);
  });

  it("gives a folder that exists, by any path to it", async () => {
    await using folder = await temporaryFolder();
    for (const path of [folder.path, `${folder.path}/`, relative(".", folder.path)]) {
      assert.deepEqual(await resolveModel(path), { folder: folder.path, origin: "folder", name: path });
    }
  });

  it("finds a hub id in the cache, by branch, tag or commit, through links or copies", async () => {
    for (const links of [true, false]) {
      await using cache = await temporaryFolder();
      const { snapshot } = await cached(cache.path, { links });
      await cached(cache.path, { links, ref: "refs/pr/1", commit: "d".repeat(40) });
      const options = { cacheDir: cache.path };
      const found = { folder: snapshot, origin: "huggingface", name: ID, revision: "main", commit: COMMIT };
      assert.deepEqual(await resolveModel(ID, options), found);
      assert.deepEqual(await resolveModel(`hf:${ID}`, { ...options, localFilesOnly: true }), found);
      assert.deepEqual(await resolveModel(ID, { ...options, revision: COMMIT }), { ...found, revision: COMMIT });
      assert.equal((await resolveModel(ID, { ...options, revision: "refs/pr/1" })).commit, "d".repeat(40));
      await using checkpoint = await Checkpoint.open(snapshot);
      assert.equal(checkpoint.name, ID);
      assert.equal((await checkpoint.readFloat32("norm.weight")).length, 64);
    }
  });

  it("prefers a folder named like a hub id, unless told that it is one", async () => {
    await using place = await temporaryFolder();
    const { snapshot } = await cached(join(place.path, "cache"));
    await mkdir(join(place.path, ID), { recursive: true });
    const before = process.cwd();
    process.chdir(place.path);
    try {
      assert.equal((await resolveModel(ID, { cacheDir: "cache" })).origin, "folder");
      assert.equal((await resolveModel(`hf:${ID}`, { cacheDir: "cache" })).folder, snapshot);
      const advice = {
        code: "invalid-argument",
        message: /is a folder here .* write 'hf:Qwen\/Qwen3-Embedding-0\.6B'/,
      };
      await assert.rejects(resolveModel(ID, { revision: "main" }), advice);
    } finally {
      process.chdir(before);
    }
  });

  it("says exactly how to get what is not in the cache and may not be fetched", async () => {
    await using cache = await temporaryFolder();
    const options = { cacheDir: cache.path, localFilesOnly: true };
    const command = `${ID} --cache-dir ${cache.path}`;
    const message =
      `there is no folder '${ID}' here, revision 'main' of that model is not in the cache ${cache.path}, and localFilesOnly forbids fetching it. ` +
      `To get it, run \`qwen3 pull ${command}\` (or \`hf download ${command}\`, from Python's huggingface_hub) where there is a connection, ` +
      "or download its .json and .safetensors files into a folder and pass that";
    await assert.rejects(resolveModel(ID, options), { code: "not-found", message });
    await cached(cache.path);
    await assert.rejects(resolveModel(ID, { ...options, revision: "v2" }), {
      message: /revision 'v2' of .*, which has 'main' of it.* --revision v2 /,
    });
    await assert.rejects(resolveModel(ID, { ...options, revision: "e".repeat(40) }), { code: "not-found" });
    await assert.rejects(resolveModel(`modelscope:${ID}`, options), { message: /run `qwen3 pull modelscope:Qwen/ });
  });

  it("lists what a half fetched model lacks, links to nothing included", async () => {
    await using cache = await temporaryFolder();
    const { repo, snapshot } = await cached(cache.path);
    await rm(join(repo, "blobs", "1".repeat(64)));
    const options = { cacheDir: cache.path, localFilesOnly: true };
    const lacking = { code: "not-found", message: /is in the cache, but .* lacks 'model\.safetensors', and/ };
    await assert.rejects(resolveModel(ID, options), lacking);
    await rm(join(snapshot, "model.safetensors"));
    await writeFile(
      join(snapshot, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { a: "x1.safetensors", b: "x2.safetensors", c: "x2.safetensors" } }),
    );
    await writeFile(join(snapshot, "x1.safetensors"), "");
    await rm(join(snapshot, "config.json"));
    await assert.rejects(resolveModel(ID, options), { message: /lacks 'config\.json', 'x2\.safetensors', and/ });
  });

  it("does not let a damaged ref lead anywhere", async () => {
    await using cache = await temporaryFolder();
    const { repo } = await cached(cache.path);
    await writeFile(join(repo, "refs/main"), "../../../..\n");
    await assert.rejects(resolveModel(ID, { cacheDir: cache.path }), {
      code: "invalid-checkpoint",
      message: /refs\/main holds '\.\.\/\.\.\/\.\.\/\.\.', expected a commit hash/,
    });
  });

  it("refuses revisions and names that cannot be", async () => {
    for (const revision of ["", "../main", "a//b", "/main", "a\\b", "a/.hidden", "a\0"]) {
      await assert.rejects(resolveModel(ID, { revision }), { code: "invalid-argument" }, JSON.stringify(revision));
    }
    for (const name of ["", "./nowhere", "/nowhere/at/all", "a/b/c", "hf:", "hf:../x", "a--b/c", "org/.."]) {
      const message = /^there is no model .*'qwen3-embedding-tiny', 'qwen3-reranker-tiny'$/;
      await assert.rejects(resolveModel(name), { code: "not-found", message }, JSON.stringify(name));
    }
    const file = join(goldens, "models/mini-embed/model.safetensors");
    await assert.rejects(resolveModel(file), { code: "invalid-argument", message: /is a file; pass the folder/ });
    // A hub id could look like it, too.
    await assert.rejects(resolveModel("package.json"), { message: /^package\.json is a file; pass the folder/ });
    await assert.rejects(resolveModel("qwen3-embedding-tiny", { revision: "v1" }), {
      message: /comes with the package/,
    });
  });
});

describe("the hub cache", () => {
  const hubCacheFolder = (env: Environment): string => cacheFolder("huggingface", env);

  it("is where Python's library would have it", () => {
    assert.equal(hubCacheFolder({}), join(homedir(), ".cache/huggingface/hub"));
    assert.equal(hubCacheFolder({ HOME: "/h" }), "/h/.cache/huggingface/hub");
    assert.equal(hubCacheFolder({ HOME: "/h", XDG_CACHE_HOME: "/x" }), "/x/huggingface/hub");
    assert.equal(hubCacheFolder({ HOME: "/h", XDG_CACHE_HOME: "/x", HF_HOME: "~/hf" }), "/h/hf/hub");
    assert.equal(hubCacheFolder({ HOME: "/h", HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" }), "/old");
    assert.equal(hubCacheFolder({ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" }), "/new");
    assert.equal(hubCacheFolder({ DISK: "/d", HF_HUB_CACHE: "$DISK/${DISK}x/$NO" }), "/d/dx/$NO");
    assert.equal(hubCacheFolder({ HOME: "/h", HF_HUB_CACHE: "" }), "/h/.cache/huggingface/hub");
  });

  it("is asked for by the environment where no cacheDir is given", async () => {
    await using cache = await temporaryFolder();
    const { snapshot } = await cached(join(cache.path, "hub"));
    const before = { ...process.env };
    delete process.env["HF_HUB_CACHE"];
    process.env["HF_HOME"] = cache.path;
    try {
      assert.equal((await resolveModel(ID)).folder, snapshot);
    } finally {
      process.env = before;
    }
  });

  it("knows a hub id when it sees one", () => {
    for (const id of [ID, "gpt2", "a/b", "my_org/my.model-1"]) assert.ok(isHubId(id), id);
    for (const id of ["a/b/c", "a//b", "/a", "a/", "-a/b", "a/b-", "a/b.git", "a..b/c", "a b/c", "", "x".repeat(97)])
      assert.ok(!isHubId(id), id);
  });
});
