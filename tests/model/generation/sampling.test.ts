import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { candidatesOf, recordCandidates } from "../../../src/model/generation/candidates.ts";
import { SeededRandom } from "../../../src/model/generation/random.ts";
import { probabilities, sample } from "../../../src/model/generation/sample.ts";
import { createBackend } from "../../../src/index.ts";
import { SafetensorsFile } from "../../../src/weights/index.ts";
import { fixture, fixtureJson } from "../../support/fixtures.ts";
import { matrixSource } from "../../support/matrix-source.ts";

interface Options {
  readonly temperature: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
}

describe("sampling against transformers' logits processors", () => {
  const { options: sets } = fixtureJson<{ options: readonly Options[] }>("transformers-sampling/sampling.json");
  for (const [i, set] of sets.entries()) {
    it(JSON.stringify(set), async () => {
      const backend = await createBackend({ kind: "reference" });
      const oracle = await SafetensorsFile.open(fixture("transformers-sampling/sampling.safetensors"));
      const logits = await oracle.readFloat32("logits");
      const seen = await oracle.readFloat32("seen");
      const expected = new Float64Array((await oracle.read(`probabilities/${i}`)).slice().buffer);
      await oracle.close();
      const rows = Array.from({ length: 4 }, (_, n) => logits.slice(n * 300, (n + 1) * 300));
      const choice = { topK: set.top_k ?? 0, repetitionPenalty: set.repetition_penalty ?? 1 };
      const ops = backend.record();
      const table = await backend.loadMatrix(matrixSource("logits", 300, rows), "table");
      const picked = recordCandidates(ops, ops.embed(table, Uint32Array.of(0, 1, 2, 3)), choice);
      const [data = new Float32Array()] = await ops.read(picked);
      for (let n = 0; n < 4; n++) {
        const row = data.subarray(n * picked.width, (n + 1) * picked.width);
        const candidates = candidatesOf(row, choice, new Set(seen.subarray(n * 25, (n + 1) * 25)));
        const shares = probabilities(candidates, { ...set, topP: set.top_p ?? 1, minP: set.min_p ?? 0 });
        const actual = new Float64Array(300);
        for (const [place, share] of shares.entries()) actual[candidates.ids[place] ?? 0] = share;
        for (const [id, share] of actual.entries()) {
          const wanted = expected[n * 300 + id] ?? Number.NaN;
          assert.ok(Math.abs(share - wanted) < 1e-6, `row ${n}, id ${id}: ${share} instead of ${wanted}`);
        }
      }
    });
  }
});

describe("sample", () => {
  const candidates = {
    ids: Uint32Array.of(5, 3, 9),
    logits: Float32Array.of(2, 1, 0),
    logprobs: Float32Array.of(-0.4, -1.4, -2.4),
  };
  it("takes the likeliest at temperature 0, whatever is drawn", () => {
    assert.equal(sample(candidates, { temperature: 0, topP: 1, minP: 0 }, 0.999), 0);
  });
  it("draws with the probabilities", () => {
    const options = { temperature: 1, topP: 1, minP: 0 };
    const [first = 0, second = 0] = probabilities(candidates, options);
    assert.equal(sample(candidates, options, first - 1e-9), 0);
    assert.equal(sample(candidates, options, first + 1e-9), 1);
    assert.equal(sample(candidates, options, first + second + 1e-9), 2);
    assert.equal(sample(candidates, options, 1 - Number.EPSILON), 2);
  });
});

describe("SeededRandom", () => {
  it("repeats itself for the same seed and sequence only", () => {
    const draws = (seed: number, sequence: number): number[] => {
      const random = new SeededRandom(seed, sequence);
      return Array.from({ length: 8 }, () => random.next());
    };
    assert.deepEqual(draws(1, 0), draws(1, 0));
    assert.notDeepEqual(draws(1, 0), draws(2, 0));
    assert.notDeepEqual(draws(1, 0), draws(1, 1));
  });
  it("spreads evenly for any seed", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed, 0);
        const counts = Array.from({ length: 8 }, () => 0);
        for (let i = 0; i < 4000; i++) {
          const value = random.next();
          assert.ok(value >= 0 && value < 1);
          counts[Math.floor(8 * value)] = (counts[Math.floor(8 * value)] ?? 0) + 1;
        }
        assert.ok(counts.every((count) => Math.abs(count - 500) < 150));
      }),
      { numRuns: 20 },
    );
  });
});
