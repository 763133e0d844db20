import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WebGpuBackend } from "../../../src/kernels/webgpu/webgpu-backend.ts";
import { CausalModel, EmbeddingModel, RerankerModel } from "../../../src/index.ts";
import { fixture } from "../../support/fixtures.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

/** The pipelines that a backend compiles from now on. */
function countCompiles({ gpuDevice }: WebGpuBackend): string[] {
  const compiled: string[] = [];
  const create = gpuDevice.createComputePipelineAsync.bind(gpuDevice);
  gpuDevice.createComputePipelineAsync = (descriptor) => {
    compiled.push(descriptor.label ?? "");
    return create(descriptor);
  };
  return compiled;
}

describe("preparing a model on WebGPU", () => {
  for (const withoutFeatures of [[], ["subgroups"]] as const) {
    const title = withoutFeatures.length > 0 ? "without subgroups" : "with all features";

    it(`leaves an embedding model nothing to compile, ${title}`, async () => {
      const backend = await webGpuTestBackend({ withoutFeatures });
      const all = countCompiles(backend);
      const model = await EmbeddingModel.load(undefined, { backend });
      assert.ok(all.length > 5, `${all.length} compiled`);
      assert.equal(new Set(all).size, all.length, "each once");

      const later = countCompiles(backend);
      const texts = Array.from({ length: 70 }, (_, i) => `text ${i} `.repeat((i % 20) + 1));
      await model.encode(["one"]);
      await model.encode(texts.slice(0, 3), { promptName: "query" });
      await model.encode(texts, { dimensions: 128 });
      await model.dispose();
      assert.deepEqual(later, []);
    });

    it(`leaves a reranker nothing to compile, ${title}`, async () => {
      const backend = await webGpuTestBackend({ withoutFeatures });
      const model = await RerankerModel.load(undefined, { backend });
      const later = countCompiles(backend);
      await model.rank("what is it?", ["this", "that, which is somewhat longer", "nothing"]);
      await model.dispose();
      assert.deepEqual(later, []);
    });

    it(`leaves a generating model nothing to compile, ${title}`, async () => {
      const backend = await webGpuTestBackend({ withoutFeatures });
      const model = await CausalModel.load(fixture("goldens/models/mini-causal"), { backend });
      const later = countCompiles(backend);
      const ids = Uint32Array.from({ length: 40 }, (_, i) => i + 3);
      for await (const token of model.generate(ids, { maxNewTokens: 3, temperature: 0 })) assert.ok(token.id >= 0);
      await model.dispose();
      assert.deepEqual(later, []);
    });
  }

  it("refuses a head_dim whose halves are not whole vec4s, and compiles nothing", async () => {
    const backend = await webGpuTestBackend();
    const compiled = countCompiles(backend);
    const sizes = { hiddenSize: 64, intermediateSize: 128, numHiddenLayers: 1, vocabSize: 100 };
    for (const headDim of [10, 12]) {
      const shape = { ...sizes, numAttentionHeads: 4, numKeyValueHeads: 2, headDim };
      await assert.rejects(backend.prepare(shape), {
        code: "unsupported",
        message: new RegExp(`head_dim is ${headDim}`),
      });
    }
    await backend.dispose();
    assert.deepEqual(compiled, []);
  });
});
