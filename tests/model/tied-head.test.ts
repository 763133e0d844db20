import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Backend, createBackend, EmbeddingModel } from "../../src/index.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

const IDS = Uint32Array.of(5, 17, 300, 0);

describe("an embedding model's tied head", () => {
  const backends: Readonly<Record<string, () => Promise<Backend>>> = {
    reference: () => createBackend({ kind: "reference" }),
    wasm: () => createBackend({ kind: "wasm", threads: 2 }),
    "wasm int8": () => createBackend({ kind: "wasm", threads: 2, weights: "int8" }),
    webgpu: () => webGpuTestBackend(),
  };
  for (const [name, create] of Object.entries(backends)) {
    it(`takes the table's place on ${name}: no weights are held twice`, async () => {
      await using model = await EmbeddingModel.load(undefined, { backend: await create() });
      const { weights } = model.memory;
      const before = await model.encode("hello");
      const [first, second] = await Promise.all([
        model.forward(IDS, { logits: "last" }),
        model.forward(IDS, { logits: "all" }),
      ]);
      assert.equal(model.memory.weights, weights);
      assert.deepEqual(first.logits?.shape, [1, model.config.vocabSize]);
      assert.deepEqual(second.logits?.data.slice(-model.config.vocabSize), first.logits?.data);
      assert.deepEqual(await model.encode("hello"), before);
    });
  }
});
