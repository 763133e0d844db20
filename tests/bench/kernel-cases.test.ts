import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { BenchWeights } from "../../bench/kernels/bench-weights.ts";
import { KERNEL_OPS, kernelCase } from "../../bench/kernels/cases.ts";
import { RepeatedTimer } from "../../bench/kernels/repeated.ts";
import { createBackend } from "../../src/kernels/create-backend.ts";

const sizes = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 64,
  max_position_embeddings: 64,
};
const ROWS = 3;
const WIDTHS: Readonly<Record<string, number>> = { qkv: 64, attention: 64, "decode attention": 64, gateUp: 48 };

describe("kernel cases", async () => {
  const backend = await createBackend({ kind: "reference" });
  after(() => backend.dispose());
  const weights = new BenchWeights(backend, "BF16", 1);

  for (const op of KERNEL_OPS) {
    it(`run ${op}`, async () => {
      const setup = await kernelCase(sizes, op, ROWS).prepare(weights);
      const recording = backend.record();
      const run = setup(recording);
      const [first = new Float32Array(), second] = await recording.read(run(0), run(1));
      assert.equal(first.length, ROWS * (WIDTHS[op] ?? sizes.hidden_size));
      assert.ok(first.every(Number.isFinite) && first.some((value) => value !== 0));
      assert.deepEqual(second, first, "copies of the weights are equal, so results can be compared");
    });
  }

  it("count the operations of products and of the causal triangle", () => {
    assert.equal(kernelCase(sizes, "oProj", ROWS).flops, 2 * ROWS * 32 * 64);
    assert.deepEqual(kernelCase(sizes, "gateUp", ROWS).product, { columns: 96, inner: 32 });
    // three rows see 1, 2 and 3 keys; two products of 4 heads × 16 for each pair
    assert.equal(kernelCase(sizes, "attention", ROWS).flops, 2 * 2 * (1 + 2 + 3) * 64);
  });
});

describe("RepeatedTimer", () => {
  it("takes what is not repeated off", async () => {
    const timer = new RepeatedTimer(async (times) => async () => void times, 5);
    await timer.warmUp();
    const durations = [10 + 5 * 2, 10 + 2]; // what comes once takes 10, each of the runs 2
    assert.equal(await timer.measure(async () => durations.pop() ?? Number.NaN), 2);
  });
});
