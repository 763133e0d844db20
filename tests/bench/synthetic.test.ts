import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { SyntheticOptions } from "../../bench/synthetic/synthetic-checkpoint.ts";
import { writeSyntheticCheckpoint } from "../../bench/synthetic/synthetic-checkpoint.ts";
import { EmbeddingModel } from "../../src/index.ts";
import { Checkpoint } from "../../src/weights/index.ts";

const sizes = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 301,
  max_position_embeddings: 64,
};
const root = mkdtempSync(join(tmpdir(), "qwen3-synthetic-"));
after(() => {
  rmSync(root, { recursive: true });
});

function write(name: string, options: Omit<SyntheticOptions, "sizes"> = {}): string {
  const folder = join(root, name);
  writeSyntheticCheckpoint(folder, { sizes, ...options });
  return folder;
}

describe("synthetic checkpoints", () => {
  it("are the same for the same seed and differ for another", () => {
    const bytes = (name: string, seed: number): Buffer =>
      readFileSync(join(write(name, { seed }), "model.safetensors"));
    const first = bytes("seed-1", 1);
    assert.ok(first.equals(bytes("seed-1-again", 1)));
    assert.ok(!first.equals(bytes("seed-2", 2)));
  });

  for (const dtype of ["BF16", "F16", "F32"] as const) {
    it(`hold normal weights of std 0.02 in ${dtype}`, async () => {
      await using checkpoint = await Checkpoint.open(write(`std-${dtype}`, { dtype }));
      assert.equal(checkpoint.tensors.get("embed_tokens.weight")?.dtype, dtype);
      const values = await checkpoint.readFloat32("embed_tokens.weight");
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      assert.ok(Math.abs(mean) < 1e-3, `mean ${mean}`);
      assert.ok(Math.abs(std - 0.02) < 1e-3, `std ${std}`);
      const norm = await checkpoint.readFloat32("norm.weight");
      assert.ok(norm.every((value) => Math.abs(value - 1) < 0.6));
    });
  }

  it("are cut into shards with an index, have their own lm_head and prefixed names if asked", async () => {
    await using whole = await Checkpoint.open(write("whole", { lmHead: true, prefix: true }));
    await using sharded = await Checkpoint.open(write("shards", { lmHead: true, prefix: true, shardBytes: 20_000 }));
    assert.deepEqual([...sharded.tensors.keys()].sort(), [...whole.tensors.keys()].sort());
    assert.ok(whole.tensors.has("lm_head.weight") && whole.tensors.has("model.layers.2.mlp.down_proj.weight"));
    for (const name of whole.tensors.keys()) assert.deepEqual(await sharded.read(name), await whole.read(name), name);
  });

  it("run", async () => {
    const model = await EmbeddingModel.load(write("model"), { device: "reference" });
    const { hidden } = await model.forward(Uint32Array.of(5, 300, 7, 0));
    assert.deepEqual(hidden.shape, [4, 32]);
    const largest = Math.max(...hidden.data.map(Math.abs));
    assert.ok(largest > 0.1 && largest < 100, `largest ${largest}`);
    await model.dispose();
  });
});
