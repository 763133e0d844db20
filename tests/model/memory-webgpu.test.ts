import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Backend, createBackend, EmbeddingModel } from "../../src/index.ts";
import { cosine } from "../support/close.ts";
import { fixture, fixtureJson } from "../support/fixtures.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

const NAME = "goldens/models/mini-embed";
const MODEL = fixture(NAME);
const config = fixtureJson<Record<string, number>>(`${NAME}/config.json`);

/** `count` token ids that are not all alike. */
const idsOf = (count: number, seed = 0): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => (i * i + 7 * i + seed) % 590);

/** What docs/architecture.md promises for a batch. */
function mostActivationBytes({
  tokens,
  longest,
  sequences,
}: Record<"tokens" | "longest" | "sequences", number>): number {
  const size = (name: string): number => config[name] ?? Number.NaN;
  const [hidden, heads, kvHeads] = [size("hidden_size"), size("num_attention_heads"), size("num_key_value_heads")];
  const products = (heads + 2 * kvHeads) * size("head_dim");
  const floats = 2 * hidden + 2 * products + size("intermediate_size");
  const perToken = 4 * floats + 4 * hidden + 64;
  return 1.25 * tokens * perToken + 8 * longest * size("head_dim") + 12 * sequences * hidden + 4 * 2 ** 20;
}

describe("memory on WebGPU", () => {
  let backend: Backend;
  let model: EmbeddingModel;
  let cpu: EmbeddingModel;
  before(async () => {
    backend = await webGpuTestBackend();
    model = await EmbeddingModel.load(MODEL, { backend });
    cpu = await EmbeddingModel.load(MODEL, { backend: await createBackend({ kind: "wasm" }) });
  });
  after(() => Promise.all([model.dispose(), cpu.dispose()]));

  it("is as documented for one sequence of 8,192 tokens, whose vector is right", async () => {
    const ids = idsOf(8192);
    const [vector = new Float32Array()] = await model.encodeIds([ids]);
    const allowed = mostActivationBytes({ tokens: 8192, longest: 8192, sequences: 1 });
    assert.ok(model.memory.activations <= allowed, `${model.memory.activations} of ${allowed}`);
    const [expected = new Float32Array()] = await cpu.encodeIds([ids]);
    assert.ok(cosine(vector, expected) > 1 - 1e-9, `${cosine(vector, expected)}`);
  });

  it("is as documented for a batch of 4,000 ragged texts, does not grow, and each gets its own vector", async () => {
    const texts = Array.from({ length: 4000 }, (_, i) => idsOf(1 + ((i * 37) % 19), i));
    const tokens = texts.reduce((sum, { length }) => sum + length, 0);
    const vectors = await model.encodeIds(texts);
    const { memory } = model;
    const allowed = mostActivationBytes({ tokens, longest: 8192, sequences: texts.length });
    assert.ok(memory.activations <= allowed, `${memory.activations} of ${allowed}`);
    for (const i of [0, 18, 999, 2048, 3999]) {
      const [alone = new Float32Array()] = await model.encodeIds([texts[i] ?? idsOf(1)]);
      assert.ok(cosine(vectors[i] ?? alone, alone) > 1 - 1e-9, `text ${i}`);
    }
    await model.encodeIds(texts);
    // Uploads that had several buffers get one of their sum, rounded up.
    assert.ok(
      model.memory.activations <= 1.01 * memory.activations,
      `${model.memory.activations} after ${memory.activations}`,
    );
  });
});
