import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Backend, CausalModel, type GeneratedToken, type GenerateOptions, type Prompt } from "../../src/index.ts";
import { fixture, fixtureJson } from "./fixtures.ts";
import { MINI_MODELS } from "./goldens.ts";

interface Golden {
  readonly prompt: readonly number[];
  readonly generated: readonly number[];
  readonly steps: readonly { readonly id: number; readonly logit: number; readonly margin: number }[];
}

/** Below it, rounding may decide which token is the likeliest (the goldens' README). */
const LEAST_MARGIN = 1e-3;

/** Greedy generation of every mini model token by token, alone, together, in pieces, and with a cache that grows. */
export function describeGeneration(
  title: string,
  createBackend: () => Promise<Backend>,
  tolerances: { readonly logits: number },
): void {
  for (const name of MINI_MODELS) {
    describe(`${title}: generation of ${name}`, () => {
      const { generation } = fixtureJson<{ generation: readonly Golden[] }>(`goldens/numbers/${name}.json`);
      const prompts = generation.map(({ prompt }) => Uint32Array.from(prompt));
      const options = { maxNewTokens: generation[0]?.generated.length, ignoreEos: true, temperature: 0 };
      let model: CausalModel;
      before(async () => {
        model = await CausalModel.load(fixture(`goldens/models/${name}`), { backend: await createBackend() });
      });
      after(() => model.dispose());

      for (const [i, golden] of generation.entries()) {
        it(`prompt of ${golden.prompt.length} tokens: ids, logits, margins`, async () => {
          const tokens = await collect(model, prompts[i] ?? "", options);
          assert.deepEqual(tokens.map(({ id }) => id), golden.generated); // oxfmt-ignore
          await checkSteps(model, golden, tokens, tolerances.logits);
        });
      }

      it("is the same for all prompts at once, and frees its cache", async () => {
        const ids = prompts.map((): number[] => []);
        for await (const token of model.generateBatch(prompts, options)) ids[token.index]?.push(token.id);
        assert.deepEqual(ids, generation.map(({ generated }) => generated)); // oxfmt-ignore
        assert.equal(model.memory.cache, 0);
      });
    });
  }

  describe(`${title}: generation in other circumstances`, () => {
    it("computes long prompts in pieces", async () => {
      const { generation } = fixtureJson<{ generation: readonly Golden[] }>("goldens/numbers/mini-wide.json");
      const load = { backend: await createBackend(), maxBatchTokens: 3 };
      await using model = await CausalModel.load(fixture("goldens/models/mini-wide"), load);
      const prompts = generation.map(({ prompt }) => Uint32Array.from(prompt));
      const ids = prompts.map((): number[] => []);
      for await (const { index, id } of model.generateBatch(prompts, { maxNewTokens: 6, ignoreEos: true }))
        ids[index]?.push(id);
      assert.deepEqual(ids, generation.map(({ generated }) => generated.slice(0, 6))); // oxfmt-ignore
    });

    it("goes on when the cache has to grow, with texts of different ends", async () => {
      await using model = await CausalModel.load(fixture("goldens/models/mini-embed"), {
        backend: await createBackend(),
      });
      const prompts = [Uint32Array.of(7, 8, 9), Uint32Array.from({ length: 200 }, (_, i) => (i * 31) % 600)];
      const texts = prompts.map((prompt) => [...prompt]);
      for await (const { index, id } of model.generateBatch(prompts, { maxNewTokens: 300, ignoreEos: true }))
        texts[index]?.push(id);
      for (const [n, text] of texts.entries()) {
        const { logits } = await model.forward(text.slice(0, -1), { logits: "all" });
        const start = prompts[n]?.length ?? 0;
        assert.equal(text.length, start + 300);
        for (let at = start; at < text.length; at++) {
          const row = logits?.data.subarray((at - 1) * 600, at * 600) ?? new Float32Array();
          const behind = Math.max(...row) - (row[text[at] ?? 0] ?? 0);
          assert.ok(behind <= LEAST_MARGIN, `text ${n}, token ${at}: ${behind} behind the likeliest`);
        }
      }
    });
  });
}

/** Recomputes all steps at once without a cache and compares both computations with each other and with the goldens. */
async function checkSteps(
  model: CausalModel,
  { prompt, generated, steps }: Golden,
  tokens: readonly GeneratedToken[],
  tolerance: number,
): Promise<void> {
  const ids = [...prompt, ...generated.slice(0, -1)];
  const { logits } = await model.forward(ids, { logits: "all" });
  const { vocabSize } = model.config;
  for (const [i, { id, logit, margin }] of steps.entries()) {
    const at = prompt.length - 1 + i;
    const row = logits?.data.subarray(at * vocabSize, (at + 1) * vocabSize) ?? new Float32Array();
    const [first = 0, second = 0] = row.toSorted((a, b) => b - a);
    assert.ok(margin > LEAST_MARGIN);
    assert.ok(Math.abs((row[id] ?? 0) - logit) <= tolerance, `step ${i}: logit ${row[id]} instead of ${logit}`);
    assert.ok(Math.abs(first - second - margin) <= 2 * tolerance, `step ${i}: margin ${first - second}, not ${margin}`);
    const logprob = logit - first - Math.log(row.reduce((sum, value) => sum + Math.exp(value - first), 0));
    const error = Math.abs((tokens[i]?.logprob ?? Number.NaN) - logprob);
    assert.ok(error <= 2 * tolerance, `step ${i}: log P off by ${error}`);
  }
}

export async function collect(model: CausalModel, prompt: Prompt, options: GenerateOptions): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of model.generate(prompt, options)) tokens.push(token);
  return tokens;
}
