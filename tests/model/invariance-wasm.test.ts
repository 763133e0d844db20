import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createBackend, EmbeddingModel } from "../../src/index.ts";
import { fixture } from "../support/fixtures.ts";

/** Words of the bundled model's language, for texts of any length. */
const WORDS = "the capital of China is Beijing gravity gives weight to physical objects und 北京 42 !".split(" ");

const texts = fc.array(
  fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 90 }).map((words) => words.join(" ")),
  { minLength: 2, maxLength: 12 },
);

for (const weights of ["stored", "int8"] as const) describeInvariance(weights);

function describeInvariance(weights: "stored" | "int8"): void {
  describe(`wasm, ${weights} weights: a text's vector`, () => {
    it("is the same to the bit alone, in any batch, in any order, with any number of threads and memories", async () => {
      const load = async (options: { threads: number; weightsPerMemory?: number }): Promise<EmbeddingModel> =>
        EmbeddingModel.load(undefined, { backend: await createBackend({ kind: "wasm", weights, ...options }) });
      const models = [
        await load({ threads: 1 }),
        await load({ threads: 2 }),
        await load({ threads: 3, weightsPerMemory: 2 ** 16 }),
      ] as const;
      await fc.assert(
        fc.asyncProperty(texts, fc.integer({ min: 1, max: 700 }), async (batch, maxBatchTokens) => {
          const expected = await models[0].encode(batch);
          assert.deepEqual(
            await models[1].encode(batch, { maxBatchTokens }),
            expected,
            "another division into batches",
          );
          assert.deepEqual((await models[2].encode(batch.toReversed())).toReversed(), expected, "another order");
          assert.deepEqual([await models[1].encode(batch[0] ?? "")], expected.slice(0, 1), "alone");
        }),
        { numRuns: 8 },
      );
      for (const model of models) await model.dispose();
    });

    it("is so in a model with real heads", async () => {
      const backend = await createBackend({ kind: "wasm", threads: 2, weights });
      const model = await EmbeddingModel.load(fixture("goldens/models/mini-wide"), { backend });
      const ids = Uint32Array.from({ length: 200 }, (_, i) => (i * 37) % 700);
      const { hidden } = await model.forward(ids);
      for (const n of [1, 5, 64, 65, 199]) {
        const part = await model.forward(ids.subarray(0, n));
        assert.deepEqual(part.hidden.data, hidden.data.subarray(0, part.hidden.data.length), `the first ${n} tokens`);
      }
      await model.dispose();
    });
  });
}
