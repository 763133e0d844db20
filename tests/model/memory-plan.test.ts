import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type SyntheticOptions, writeSyntheticCheckpoint } from "../../bench/synthetic/synthetic-checkpoint.ts";
import { SHAPES } from "../../bench/synthetic/shapes.ts";
import { CausalModel, EmbeddingModel, Qwen3Error, RerankerModel } from "../../src/index.ts";
import { parseConfig } from "../../src/model/config.ts";
import { type Demand, planWay, type PlannedWay, type Way } from "../../src/model/memory/fitting.ts";
import { weightBytes } from "../../src/model/memory/memory-plan.ts";
import { Checkpoint } from "../../src/weights/index.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

/** Widths and the vocabulary are no multiples of 8, so that padding shows. */
const sizes = {
  hidden_size: 44,
  intermediate_size: 90,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: 301,
  max_position_embeddings: 512,
};
const PLENTY = 2 ** 50;
const GIB = 2 ** 30;
const embedding: Demand = { maxBatchTokens: 256, cacheTokens: 0, generates: false };

const root = mkdtempSync(join(tmpdir(), "qwen3-memory-plan-"));
after(() => {
  rmSync(root, { recursive: true });
});

function write(name: string, options: Partial<SyntheticOptions> = {}): string {
  const folder = join(root, name);
  writeSyntheticCheckpoint(folder, { sizes, ...options });
  return folder;
}

async function plan(folder: string, way: Way, demand = embedding, available = PLENTY): Promise<PlannedWay> {
  await using checkpoint = await Checkpoint.open(folder);
  const config = parseConfig(checkpoint.config, "config.json");
  return await planWay({ checkpoint, adapter: undefined, config }, way, demand, available);
}

function weightsOf({ plan: needs }: PlannedWay): number {
  return weightBytes(needs);
}

describe("the memory plan", () => {
  const ways: readonly Way[] = [
    { device: "reference", dtype: "auto" },
    { device: "reference", dtype: "f32" },
    { device: "wasm", dtype: "auto" },
    { device: "wasm", dtype: "f32" },
    { device: "wasm", dtype: "int8" },
  ];
  for (const way of ways) {
    it(`foresees the weights of ${way.device} with ${way.dtype}, tied and untied`, async () => {
      for (const lmHead of [false, true]) {
        const folder = write(`${way.device}-${way.dtype}-${lmHead}`, { lmHead });
        await using embeds = await EmbeddingModel.load(folder, { ...way });
        assert.equal(weightsOf(await plan(folder, way)), embeds.memory.weights);
        await using writes = await CausalModel.load(folder, { ...way });
        const demand = { ...embedding, generates: true };
        assert.equal(weightsOf(await plan(folder, way, demand)), writes.memory.weights);
      }
    });
  }

  it("foresees the weights of webgpu", async () => {
    const folder = write("webgpu");
    for (const dtype of ["auto", "f32"] as const) {
      await using model = await EmbeddingModel.load(folder, { backend: await webGpuTestBackend(), dtype });
      assert.equal(weightsOf(await plan(folder, { device: "webgpu", dtype })), model.memory.weights);
    }
  });

  it("foresees activations within a third of what the backends need", async () => {
    const folder = write("activations", {
      sizes: { ...sizes, hidden_size: 256, intermediate_size: 768, head_dim: 64 },
    });
    const demand = { ...embedding, maxBatchTokens: 512 };
    const ids = Uint32Array.from({ length: 512 }, (_, i) => i % sizes.vocab_size);
    for (const device of ["wasm", "webgpu"] as const) {
      const { activations } = (await plan(folder, { device, dtype: "auto" }, demand)).plan;
      const backend = device === "webgpu" ? await webGpuTestBackend() : undefined;
      await using model = await EmbeddingModel.load(folder, { device, threads: 2, backend });
      await model.encodeIds([ids]);
      const ratio = model.memory.activations / activations;
      assert.ok(ratio > 0.67 && ratio < 1.1, `${device}: ${ratio}`);
    }
  });

  it("finds that the 8B model fits in eight bits where it does not as stored", async () => {
    const folder = write("8b", { sizes: SHAPES["8b"] ?? sizes, sparse: true });
    const on = { device: "reference", dtype: "auto" } as const;
    const stored = await plan(folder, on, embedding, 12 * GIB);
    assert.ok(Math.abs(weightsOf(stored) - 2 * 7_567_295_488) < 2e6, "two bytes a parameter");
    assert.equal(stored.shortage?.what, "this machine's free memory");
    assert.equal((await plan(folder, on, embedding, 16 * GIB)).shortage, undefined);
    const int8 = await plan(folder, { device: "wasm", dtype: "int8" });
    assert.equal(int8.shortage, undefined, "more than one WebAssembly memory holds");
    assert.ok(weightsOf(int8) < 0.56 * weightsOf(stored), `${weightsOf(int8)}`);
  });

  it("refuses batches that one WebAssembly memory does not hold beside its weights", async () => {
    const folder = write("4b", { sizes: SHAPES["4b"] ?? sizes, sparse: true });
    const way = { device: "wasm", dtype: "bf16" } as const;
    assert.equal((await plan(folder, way, { ...embedding, maxBatchTokens: 8192 })).shortage, undefined);
    const { shortage } = await plan(folder, way, { ...embedding, maxBatchTokens: 32_768 });
    assert.equal(shortage?.what, "one WebAssembly memory");
    assert.ok(shortage.fittingBatchTokens > 8192 && shortage.fittingBatchTokens < 32_768);
  });

  it("proposes smaller batches where only they do not fit", async () => {
    const folder = write("batches");
    const way = { device: "wasm", dtype: "auto" } as const;
    const demand = { ...embedding, maxBatchTokens: 2 ** 20 };
    const { total, plan: needs } = await plan(folder, way, demand);
    const half = total - needs.activations / 2;
    const { shortage } = await plan(folder, way, demand, half);
    assert.ok(Math.abs((shortage?.fittingBatchTokens ?? 0) / 2 ** 19 - 1) < 0.01, `${shortage?.fittingBatchTokens}`);
    const weightsOnly = await plan(folder, way, demand, total - needs.activations - needs.cache);
    assert.equal(weightsOnly.shortage?.fittingBatchTokens, 0);
  });
});

describe("a GPU's largest buffer", () => {
  it("limits batches, and those that fit are proposed", async () => {
    const folder = write("buffers");
    const limits = { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 };
    const load = async (maxBatchTokens: number): Promise<EmbeddingModel> =>
      EmbeddingModel.load(folder, { backend: await webGpuTestBackend({ limits }), maxBatchTokens });
    const proposal = /one buffer of this GPU has 0\.00 GiB\. What would fit: maxBatchTokens (\d+) \(now 10000\)/;
    const message = await load(10_000).then(
      () => "loaded",
      (error: Error) => error.message,
    );
    const tokens = Number(proposal.exec(message)?.[1] ?? message);
    assert.equal(tokens, Math.floor(2 ** 20 / (4 * sizes.num_attention_heads * sizes.head_dim)));
    await using model = await load(tokens);
    assert.equal((await model.encodeIds([new Uint32Array(500).fill(3)])).length, 1);
  });
});

describe("a model that is too large", () => {
  /** A terabyte on paper: too much for any machine that runs tests. */
  const giant = { ...sizes, hidden_size: 32_768, intermediate_size: 131_072, num_hidden_layers: 40 };

  it("is refused before anything is allocated, with sizes and what would fit", async () => {
    const folder = write("giant", { sizes: giant, sparse: true, shardBytes: 5e10 });
    const before = process.memoryUsage.rss();
    const kinds = { embedding: EmbeddingModel, causal: CausalModel };
    for (const [name, model] of Object.entries(kinds)) {
      for (const device of ["reference", "wasm"] as const) {
        await assert.rejects(model.load(folder, { device }), (error) => {
          assert.ok(error instanceof Qwen3Error);
          assert.equal(error.code, "too-large");
          assert.match(
            error.message,
            /giant needs [\d.]{6,} GiB with device "\w+" and dtype "auto" \([\d.]+ GiB of weights, [\d.]+ GiB to load and compute\).* has [\d.]+ GiB\. What would fit: only a smaller model$/,
            name,
          );
          return true;
        });
      }
    }
    assert.ok(process.memoryUsage.rss() - before < 200e6);
  });

  it("is a reranker whose batches are, too, and batches that fit are proposed", async () => {
    const options = { device: "reference", maxBatchTokens: 2 ** 30 } as const;
    const proposal = /What would fit: maxBatchTokens \d+ \(now 1073741824\)/;
    await assert.rejects(RerankerModel.load(undefined, options), proposal);
  });

  it("may be tried nevertheless", async () => {
    const options = { device: "reference", maxBatchTokens: 2 ** 30, checkMemory: false } as const;
    await using model = await EmbeddingModel.load(undefined, options);
    assert.equal((await model.encode("a")).length, model.dimensions);
  });
});
