import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CausalModel, createBackend, EmbeddingModel, type GeneratedToken, RerankerModel } from "../../src/index.ts";
import { fixture } from "../support/fixtures.ts";

/** Words of the bundled model's language, for texts of any length. */
const WORDS = "the capital of China is Beijing gravity gives weight to physical objects und 北京 42 !".split(" ");

const texts = fc.array(
  fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 90 }).map((words) => words.join(" ")),
  { minLength: 2, maxLength: 12 },
);

for (const weights of ["stored", "int8"] as const) {
  describeInvariance(weights);
  describeInvarianceOverCaches(weights);
}

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

function describeInvarianceOverCaches(weights: "stored" | "int8"): void {
  describe(`wasm, ${weights} weights: over a cache`, () => {
    it("a pair's score is the same to the bit alone, among others, and in batches of any size", async () => {
      const backend = await createBackend({ kind: "wasm", threads: 2, weights });
      const model = await RerankerModel.load(undefined, { backend });
      const documents = ["", "a", "The capital of China is Beijing.", WORDS.join(" "), WORDS.join(" ").repeat(9)];
      const pairs: [query: string, document: string][] = [["Explain gravity", "Gravity is a force."]];
      for (const document of documents) pairs.push(["What is the capital of China?", document]);
      const alone: number[] = [];
      for (const pair of pairs) alone.push(...(await model.score([pair])));
      for (const maxBatchTokens of [16, 100, 10_000])
        assert.deepEqual(
          [...(await model.score(pairs, { maxBatchTokens }))],
          alone,
          `${maxBatchTokens} tokens a batch`,
        );
      await model.dispose();
    });

    it("a generated token is the same to the bit alone, beside others, and after a prompt in pieces", async () => {
      const prompts = [3, 40, 200].map((length) => Uint32Array.from({ length }, (_, i) => (i * 31 + length) % 700));
      const generate = async (some: readonly Uint32Array[], maxBatchTokens: number): Promise<GeneratedToken[][]> => {
        const backend = await createBackend({ kind: "wasm", threads: 2, weights });
        await using model = await CausalModel.load(fixture("goldens/models/mini-wide"), { backend, maxBatchTokens });
        const tokens: GeneratedToken[][] = some.map(() => []);
        for await (const token of model.generateBatch(some, { maxNewTokens: 20, ignoreEos: true }))
          tokens[token.index]?.push({ ...token, index: 0 });
        return tokens;
      };
      const alone = [];
      for (const prompt of prompts) alone.push(...(await generate([prompt], 1000)));
      assert.deepEqual(await generate(prompts, 1000), alone, "beside others");
      assert.deepEqual(await generate(prompts, 17), alone, "in pieces");
    });
  });
}
