import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { writeSyntheticCheckpoint } from "../../../bench/synthetic/synthetic-checkpoint.ts";
import { createBackend, EmbeddingModel } from "../../../src/index.ts";
import { kernelFile } from "../../../src/kernels/wasm/modules.ts";

/** Large enough that every matrix of products has its file, and small enough to be rounded in no time. */
const sizes = {
  hidden_size: 1024,
  intermediate_size: 1024,
  num_hidden_layers: 1,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 128,
  vocab_size: 300,
  max_position_embeddings: 64,
};
const IDS = [Uint32Array.of(5, 3, 200, 17)];

const root = mkdtempSync(join(tmpdir(), "qwen3-int8-"));
const checkpoint = join(root, "checkpoint");
const cache = join(root, "cache", "qwen3-ts", "int8");
const ownCache = process.env["XDG_CACHE_HOME"];
process.env["XDG_CACHE_HOME"] = join(root, "cache");
after(() => {
  if (ownCache === undefined) delete process.env["XDG_CACHE_HOME"];
  else process.env["XDG_CACHE_HOME"] = ownCache;
  rmSync(root, { recursive: true });
});

async function embed(quantizedCache = true): Promise<Float32Array[]> {
  const options = { device: "wasm", threads: 2, dtype: "int8", quantizedCache } as const;
  await using model = await EmbeddingModel.load(checkpoint, options);
  return await model.encodeIds(IDS);
}

function files(): string[] {
  return readdirSync(cache)
    .sort()
    .map((name) => join(cache, name));
}

describe("the cache of eight-bit weights", () => {
  writeSyntheticCheckpoint(checkpoint, { sizes });

  it("is left alone if it is not wanted", async () => {
    await embed(false);
    assert.throws(files, /ENOENT/);
  });

  it("is left alone by who brings another kernel that rounds", async () => {
    const kernels = { "quantize-weights": readFileSync(kernelFile("quantize-weights", "simd")) };
    const backend = await createBackend({ kind: "wasm", threads: 2, weights: "int8", simd: "simd", kernels });
    await using model = await EmbeddingModel.load(checkpoint, { backend });
    await model.encodeIds(IDS);
    await model.dispose();
    assert.throws(files, /ENOENT/);
  });

  it("keeps a file for each matrix, and gives the same vectors from them", async () => {
    const expected = await embed();
    assert.equal(files().length, 4);
    const written = files().map((file) => readFileSync(file));
    assert.deepEqual(await embed(), expected);
    assert.deepEqual(
      files().map((file) => readFileSync(file)),
      written,
    );
  });

  it("clears away what a process left that ended while it wrote", async () => {
    const [first = ""] = files();
    const [old, fresh] = [`${first}.old.part`, `${first}.fresh.part`];
    for (const part of [old, fresh]) writeFileSync(part, "unfinished");
    utimesSync(old, 1, 1);
    rmSync(first); // is written anew
    await embed();
    assert.ok(files().includes(first));
    assert.ok(!files().includes(old));
    assert.ok(files().includes(fresh), "another process may be writing it");
    rmSync(fresh);
  });

  it("is read: who gives a changed checkpoint the old time, and changes only what is not sampled, is not noticed", async () => {
    const file = join(checkpoint, "model.safetensors");
    const bytes = readFileSync(file);
    utimesSync(file, 1, 1);
    const expected = await embed();
    const sampled = Math.floor(((bytes.length - 2 ** 16) * 40) / 63) + 2 ** 16;
    writeFileSync(file, Buffer.from(bytes).fill(0, sampled + 1000, sampled + 100_000));
    utimesSync(file, 1, 1);
    assert.deepEqual(await embed(), expected);
    assert.notDeepEqual(await embed(false), expected);
    writeFileSync(file, bytes);
  });

  it("does without files that are damaged, cut off or of something else, and mends them", async () => {
    rmSync(cache, { recursive: true });
    const expected = await embed();
    const damages: readonly ((bytes: Buffer, other: Buffer) => Buffer)[] = [
      (bytes) => bytes.subarray(0, -1),
      (bytes) => Buffer.concat([bytes, Buffer.of(0)]),
      (bytes) => bytes.fill(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1, (bytes.length >> 1) + 1),
      (bytes) => bytes.fill(0, bytes.length - 8),
      (bytes) => bytes.fill(0, 0, 1),
      () => Buffer.alloc(0),
      (_, other) => other,
    ];
    const [file = "", other = ""] = files();
    const whole = readFileSync(file);
    for (const [i, damage] of damages.entries()) {
      writeFileSync(file, damage(Buffer.from(whole), readFileSync(other)));
      assert.deepEqual(await embed(), expected, `damage ${i}`);
      assert.deepEqual(readFileSync(file), whole, `damage ${i} mended`);
    }
  });

  it("knows a checkpoint that was changed", async () => {
    const before = await embed();
    const count = files().length;
    writeSyntheticCheckpoint(checkpoint, { sizes, seed: 1 });
    const changed = await embed();
    assert.notDeepEqual(changed, before);
    assert.equal(files().length, count + 4);
    assert.deepEqual(await embed(false), changed);
    utimesSync(join(checkpoint, "model.safetensors"), 2, 2);
    assert.deepEqual(await embed(), changed);
    assert.equal(files().length, count + 8);
  });

  it("is no reason to fail", async () => {
    const expected = await embed(false);
    rmSync(cache, { recursive: true });
    writeFileSync(cache, "not a folder");
    assert.deepEqual(await embed(), expected);
  });
});
