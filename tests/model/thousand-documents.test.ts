import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RerankerModel } from "../../src/index.ts";
import { activationBytes, cacheBytes } from "../../src/model/memory/memory-plan.ts";

const QUERY = "Which river is the longest?";
const COUNT = 1000;
const MAX_BATCH_TOKENS = 1024;

/** All different, of 6 to 24 words. */
const documents = Array.from({ length: COUNT }, (_, i) => {
  return `River ${i} is ${(i * 7919) % 6651} km long. ${"It flows to the sea. ".repeat(i % 4)}`.trim();
});

describe("a thousand documents in one call", () => {
  let model: RerankerModel;
  before(async () => {
    model = await RerankerModel.load(undefined, { device: "wasm", threads: 2, maxBatchTokens: MAX_BATCH_TOKENS });
  });
  after(() => model.dispose());

  it("are ranked as if each were scored alone, and need no more memory than one batch and the prefix", async () => {
    const completed: number[] = [];
    let cache = 0;
    const ranked = await model.rank(QUERY, documents, {
      onProgress: ({ completed: count, total }) => {
        assert.equal(total, COUNT);
        completed.push(count);
        cache = Math.max(cache, model.memory.cache);
      },
    });

    assert.equal(ranked.length, COUNT);
    assert.equal(new Set(ranked.map(({ index }) => index)).size, COUNT);
    for (const [i, { score, index }] of ranked.entries()) {
      const previous = ranked[i - 1] ?? { score: 1, index: -1 };
      assert.ok(score < previous.score || (score === previous.score && index > previous.index), `place ${i}`);
    }
    for (let place = 0; place < COUNT; place += 97) {
      const { index, score } = ranked[place] ?? { index: 0, score: Number.NaN };
      const [alone = Number.NaN] = await model.score([[QUERY, documents[index] ?? ""]]);
      assert.ok(Math.abs(score - alone) < 1e-6, `${score} at ${place}, alone ${alone}`);
    }

    assert.ok(completed.length > 10 && completed.at(-1) === COUNT);
    assert.deepEqual(
      completed,
      completed.toSorted((a, b) => a - b),
    );
    const prefixTokens = model.encodePair(QUERY, "").length;
    assert.ok(cache > 0 && cache <= (MAX_BATCH_TOKENS + prefixTokens) * cacheBytes(model.config), `cache ${cache}`);
    assert.equal(model.memory.cache, 0);
    const tokens = MAX_BATCH_TOKENS + prefixTokens; // the first batch computes the prefix, too
    assert.ok(
      model.memory.activations <= tokens * activationBytes(model.config) + 2 ** 21,
      `${model.memory.activations}`,
    );
  });
});
