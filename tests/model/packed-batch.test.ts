import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { packBatch, planBatches } from "../../src/model/packed-batch.ts";

describe("packBatch", () => {
  it("lays sequences one after the other", () => {
    const batch = packBatch([Uint32Array.of(7, 8, 9), Uint32Array.of(5)]);
    assert.deepEqual([...batch.tokenIds], [7, 8, 9, 5]);
    assert.deepEqual([...batch.positions], [0, 1, 2, 0]);
    assert.deepEqual([...batch.cuSeqlens], [0, 3, 4]);
    assert.deepEqual([...batch.lastTokenIndices], [2, 3]);
    const noPrefix = { prefixStart: 0, prefixLength: 0 };
    assert.deepEqual(batch.segments, [
      { queryStart: 0, queryLength: 3, keyStart: 0, keyLength: 3, ...noPrefix },
      { queryStart: 3, queryLength: 1, keyStart: 3, keyLength: 1, ...noPrefix },
    ]);
    assert.deepEqual(batch.lastSegments, [
      { queryStart: 0, queryLength: 1, keyStart: 0, keyLength: 3, ...noPrefix },
      { queryStart: 1, queryLength: 1, keyStart: 3, keyLength: 1, ...noPrefix },
    ]);
  });

  it("refuses nothing and empty sequences", () => {
    assert.throws(() => packBatch([]), /at least one sequence/);
    assert.throws(() => packBatch([Uint32Array.of(1), new Uint32Array()]), /sequence 1 of the batch has no tokens/);
  });
});

describe("planBatches", () => {
  it("takes every sequence once, longest first, within the budget unless alone", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 })), fc.integer({ min: 1, max: 100 }), (lengths, budget) => {
        const batches = planBatches(lengths, budget);
        const order = batches.flat();
        assert.deepEqual(
          order.toSorted((a, b) => a - b),
          lengths.map((_, i) => i),
        );
        const ordered = order.map((i) => lengths[i] ?? 0);
        assert.deepEqual(
          ordered,
          ordered.toSorted((a, b) => b - a),
        );
        for (const batch of batches) {
          const tokens = batch.reduce((sum, i) => sum + (lengths[i] ?? 0), 0);
          assert.ok(
            batch.length === 1 || tokens <= budget,
            `${batch.length} sequences of ${tokens} tokens, budget ${budget}`,
          );
        }
      }),
    );
  });
});
