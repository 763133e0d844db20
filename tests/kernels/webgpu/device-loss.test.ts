import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EmbeddingModel, Qwen3Error, RerankerModel } from "../../../src/index.ts";
import type { WebGpuBackend } from "../../../src/kernels/webgpu/webgpu-backend.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

const options = { autotune: false, selfCheck: false, onWarning: (): void => {} };

const SEQUENCES = Array.from({ length: 12 }, (_, i) =>
  Uint32Array.from({ length: 40 + 9 * i }, (_value, j) => 40 + ((13 * j + 7 * i) % 2000)),
);

/** Calls back after each submission that the backend makes from now on, on whatever device. */
function onSubmit(backend: WebGpuBackend, submitted: (device: GPUDevice) => void): void {
  let watched: GPUDevice | undefined;
  const record = backend.record.bind(backend);
  const watch = (): void => {
    const { gpuDevice } = backend;
    if (watched === gpuDevice) return;
    watched = gpuDevice;
    const submit = gpuDevice.queue.submit.bind(gpuDevice.queue);
    gpuDevice.queue.submit = (commands) => {
      submit(commands);
      submitted(gpuDevice);
    };
  };
  backend.record = () => (watch(), record());
}

describe("a lost GPU device", () => {
  it("is replaced, and a batch in the middle of it computed again, to the same vectors", async () => {
    const backend = await webGpuTestBackend(options);
    await using model = await EmbeddingModel.load(undefined, { backend });
    const expected = await model.encodeIds(SEQUENCES);
    const first = backend.gpuDevice;
    let losses = 0;
    onSubmit(backend, (device) => losses++ === 0 && device.destroy());
    assert.deepEqual(await model.encodeIds(SEQUENCES), expected);
    assert.equal(losses, 1);
    assert.notEqual(backend.gpuDevice, first);
    assert.deepEqual(await model.encodeIds(SEQUENCES), expected);
  });

  it("is replaced when it was lost between batches, for several of them", async () => {
    const backend = await webGpuTestBackend(options);
    await using model = await EmbeddingModel.load(undefined, { backend });
    const expected = await model.encodeIds(SEQUENCES);
    backend.gpuDevice.destroy();
    const results = await Promise.all([model.encodeIds(SEQUENCES), model.encodeIds(SEQUENCES)]);
    assert.deepEqual(results, [expected, expected]);
  });

  it("is an error that says so when it is lost twice during one batch", async () => {
    const backend = await webGpuTestBackend(options);
    await using model = await EmbeddingModel.load(undefined, { backend });
    await model.encodeIds(SEQUENCES);
    const destroyAll = setInterval(() => backend.gpuDevice.destroy(), 1);
    try {
      await assert.rejects(model.encodeIds(SEQUENCES), (error) => {
        assert.ok(error instanceof Qwen3Error);
        assert.equal(error.code, "device");
        assert.match(error.message, /lost/);
        return true;
      });
    } finally {
      clearInterval(destroyAll);
    }
  });

  it("takes a reranker's shared prefix with it, which is computed again", async () => {
    const backend = await webGpuTestBackend(options);
    await using model = await RerankerModel.load(undefined, { backend });
    const documents = Array.from({ length: 20 }, (_, i) => `Document ${i} says that gravity pulls.`);
    const pairs = documents.map((document) => ["What does gravity do?", document] as [string, string]);
    const expected = await model.score(pairs, { maxBatchTokens: 64 });
    let batches = 0;
    onSubmit(backend, (device) => ++batches === 2 && device.destroy());
    assert.deepEqual(await model.score(pairs, { maxBatchTokens: 64 }), expected);
    assert.ok(batches > 3, `${batches} batches`);
  });

  it("is told from a backend that was disposed meanwhile", async () => {
    const backend = await webGpuTestBackend(options);
    const model = await EmbeddingModel.load(undefined, { backend });
    await model.encodeIds(SEQUENCES);
    onSubmit(backend, () => void model.dispose());
    await assert.rejects(
      model.encodeIds(SEQUENCES),
      (error) => error instanceof Qwen3Error && error.code === "disposed",
    );
    await model.dispose();
  });
});

describe("weights that are loaded while batches run", () => {
  it("are checked in their turn", async () => {
    const load = async (): Promise<EmbeddingModel> =>
      EmbeddingModel.load(undefined, { backend: await webGpuTestBackend({ ...options, selfCheck: true }) });
    await using model = await load();
    const ids = Array.from({ length: 40 }, (_, i) => 50 + 3 * i);
    const expected = await model.forward(ids);
    const withHead = model.forward([50, 60, 70], { logits: "last" });
    const state = { done: false };
    const waiting = withHead.finally(() => (state.done = true));
    while (!state.done) assert.deepEqual((await model.forward(ids)).hidden, expected.hidden);
    assert.ok((await waiting).logits?.data.every(Number.isFinite));
  });
});

describe("Dawn", () => {
  it("plans its turns by the setImmediate that it is lent", async () => {
    const backend = await webGpuTestBackend(options);
    await using model = await EmbeddingModel.load(undefined, { backend });
    await model.encodeIds(SEQUENCES);
    const own = globalThis.setImmediate;
    let byItself = 0;
    globalThis.setImmediate = ((...args: Parameters<typeof own>) => {
      byItself += 1;
      return own(...args);
    }) as typeof own;
    try {
      await model.encodeIds(SEQUENCES);
    } finally {
      globalThis.setImmediate = own;
    }
    assert.equal(byItself, 0);
  });
});
