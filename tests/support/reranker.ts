import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Backend, RerankerModel } from "../../src/index.ts";
import { Judge, probabilityOf } from "../../src/model/judge.ts";
import { loadModel } from "../../src/model/load-model.ts";
import { PairScorer } from "../../src/model/pair-scorer.ts";
import type { ModelParts } from "../../src/model/qwen3-model.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { fixture, fixtureJson } from "./fixtures.ts";

interface Pair {
  readonly query: string;
  readonly document: string;
  readonly instruction: string;
  readonly score: number;
}

interface Fixture {
  readonly short_max_length: number;
  readonly pairs: readonly Pair[];
}

export interface RerankerTolerances {
  /** Largest difference of P(yes) to transformers in float32, bundled model. */
  readonly bundled: number;
  /** Largest difference to the float64 reference, mini model. */
  readonly mini: number;
  /** Largest difference between sharing a prefix and not. */
  readonly sharing: number;
  /** For slow backends: only pairs of at most this many tokens, and of those only every so many. */
  readonly sample?: { readonly maxTokens: number; readonly every: number };
}

/** The bundled reranker against transformers' official code, the mini model's rows, and prefixes shared against not. */
export function describeReranker(
  title: string,
  createBackend: () => Promise<Backend>,
  tolerances: RerankerTolerances,
): void {
  describe(`${title}: the bundled reranker against transformers`, () => {
    const { pairs, short_max_length: short } = fixtureJson<Fixture>("transformers-reranker/pairs.json");
    const { maxTokens, every } = tolerances.sample ?? { maxTokens: Number.POSITIVE_INFINITY, every: 1 };
    let model: RerankerModel;
    let oracle: SafetensorsFile;
    before(async () => {
      oracle = await SafetensorsFile.open(fixture("transformers-reranker/scores.safetensors"));
      model = await RerankerModel.load(undefined, { backend: await createBackend() });
    });
    after(async () => {
      await model.dispose();
      await oracle.close();
    });

    /** Scores the rows whose length allows it, all pairs of one instruction in one call. */
    async function check(rows: readonly number[], expected: Float32Array, maxLength?: number): Promise<void> {
      const lengthOf = ({ query, document, instruction }: Pair): number =>
        model.encodePair(query, document, { instruction, maxLength }).length;
      const chosen = rows
        .map((row, i) => ({ pair: pairs[row], expected: expected[i] ?? Number.NaN, row }))
        .filter(({ pair }, i) => i % every === 0 && pair && lengthOf(pair) <= maxTokens);
      assert.ok(chosen.length >= rows.length / every / 2, `${chosen.length} of ${rows.length} pairs`);
      for (const instruction of new Set(chosen.map(({ pair }) => pair?.instruction ?? ""))) {
        const asked = chosen.filter(({ pair }) => pair?.instruction === instruction);
        const scores = await model.score(
          asked.map(({ pair }) => [pair?.query ?? "", pair?.document ?? ""] as const),
          { instruction, maxLength },
        );
        for (const [i, { row, expected: score }] of asked.entries()) {
          const error = Math.abs((scores[i] ?? Number.NaN) - score);
          assert.ok(error <= tolerances.bundled, `pair ${row}: ${scores[i]} instead of ${score}, off by ${error}`);
        }
      }
    }

    it("gives every pair its score", async () => {
      await check([...pairs.keys()], await oracle.readFloat32("scores"));
    });
    it(`gives pairs cut to ${short} tokens theirs`, async () => {
      await check([...(await oracle.readFloat32("short/rows"))], await oracle.readFloat32("short/scores"), short);
    });
    it("scores a pair alike alone, among others, and in batches of any size", async () => {
      const some = pairs.slice(0, 8).map(({ query, document }) => [query, document] as const);
      const together = await model.score(some);
      const inPieces = await model.score(some, { maxBatchTokens: 16 });
      for (const [i, pair] of some.entries()) {
        const [alone = Number.NaN] = await model.score([pair]);
        const [a = Number.NaN, b = Number.NaN] = [together[i], inPieces[i]];
        assert.ok(Math.abs(a - alone) <= tolerances.sharing, `pair ${i}: ${a} together, ${alone} alone`);
        assert.ok(Math.abs(b - alone) <= tolerances.sharing, `pair ${i}: ${b} in pieces, ${alone} alone`);
      }
    });
  });

  describe(`${title}: reranker rows of mini-causal`, () => {
    const { rerank } = fixtureJson<MiniManifest>("goldens/numbers/mini-causal.json");
    let parts: ModelParts;
    let scorer: PairScorer;
    before(async () => {
      const source = fixture("goldens/models/mini-causal");
      ({ parts } = await loadModel(source, { backend: await createBackend() }, { readExtra: async () => undefined }));
      const head = await parts.head.rows("answers", [rerank.no_id, rerank.yes_id]);
      scorer = new PairScorer(parts, new Judge(head, { kind: "labels", no: 0, yes: 1 }));
    });
    after(() => parts.close());

    for (const { length, ids, p_yes_f64: expected } of rerank.rows) {
      it(`length ${length}`, async () => {
        const sequence = Uint32Array.from(ids);
        const alone = [{ prefix: new Uint32Array(), members: [0] }];
        const shared = [{ prefix: sequence.subarray(0, length >> 1), members: [0, 0, 0] }];
        for (const groups of [alone, shared]) {
          for await (const scores of scorer.score([sequence], groups, { maxBatchTokens: 100 })) {
            for (const { logit } of scores) {
              const score = probabilityOf(logit);
              assert.ok(Math.abs(score - expected) <= tolerances.mini, `${score} instead of ${expected}`);
            }
          }
        }
      });
    }
  });
}

interface MiniManifest {
  readonly rerank: {
    readonly no_id: number;
    readonly yes_id: number;
    readonly rows: readonly { readonly length: number; readonly ids: readonly number[]; readonly p_yes_f64: number }[];
  };
}
