import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBackend, EmbeddingModel } from "../../src/index.ts";
import { cosine } from "../support/close.ts";
import { fixture } from "../support/fixtures.ts";
import { MINI_MODELS } from "../support/goldens.ts";

/**
 * 1 − cosine to float32, mean and worst; docs/wasm.md has what was measured. The bundled model is a trained one; the
 * others have random weights, which turn small errors into large ones (their own bf16 and float32 runs differ by up to
 * 9e-4, see the goldens' README).
 */
const BOUNDS = {
  bundled: { mean: 2e-4, worst: 4e-4 },
  "mini-embed": { mean: 2e-3, worst: 2.5e-2 },
  "mini-causal": { mean: 2e-3, worst: 1e-2 },
  "mini-wide": { mean: 1e-3, worst: 3e-3 },
  "mini-outlier": { mean: 2e-3, worst: 1e-2 },
} as const;

type Vectors = readonly ArrayLike<number>[];

async function withModel<T>(
  folder: string | undefined,
  int8: boolean,
  use: (model: EmbeddingModel) => Promise<T>,
): Promise<T> {
  const backend = await createBackend({ kind: "wasm", threads: 2, weights: int8 ? "int8" : "stored" });
  await using model = await EmbeddingModel.load(folder, { backend });
  return await use(model);
}

const TOPICS = [
  "the capital of China",
  "gravity",
  "bread and butter",
  "a violin concerto",
  "Gewitter im Sommer",
  "42 cats",
];
const FORMS = ["{}", "What is {}?", "{} was never mentioned in the report of 1998.", "She wrote a long letter about {} and sent it to her brother, who did not answer.", "{}: a short introduction"]; // oxfmt-ignore
const TEXTS = TOPICS.flatMap((topic) => FORMS.map((form) => form.replace("{}", topic)));

describe("wasm: fidelity of eight-bit weights", () => {
  it("keeps the bundled model's vectors and the order of its similarities", async () => {
    const vectors = (int8: boolean): Promise<Vectors> => withModel(undefined, int8, (model) => model.encode(TEXTS));
    const [expected, actual] = [await vectors(false), await vectors(true)];
    checkCosines("bundled", actual, expected);
    const correlation = rankCorrelation(similarities(actual), similarities(expected));
    assert.ok(correlation >= 0.999, `rank correlation ${correlation}`);
  });

  for (const name of MINI_MODELS) {
    it(`stays within its bounds on ${name}`, async () => {
      const last = (int8: boolean): Promise<Vectors> =>
        withModel(fixture(`goldens/models/${name}`), int8, async (model) => {
          const results: Float32Array[] = [];
          for (const ids of sequences(name)) {
            const { data, shape } = (await model.forward(ids)).hidden;
            results.push(data.subarray(data.length - (shape[1] ?? 0)));
          }
          return results;
        });
      checkCosines(name, await last(true), await last(false));
    });
  }
});

/** Every sequence of mini-outlier begins with one of its sink tokens, 3 to 6. */
function sequences(name: string): Uint32Array[] {
  return [1, 2, 7, 17, 40].flatMap((length) =>
    Array.from({ length: 8 }, (_, seed) =>
      Uint32Array.from({ length }, (_each, i) =>
        i === 0 && name === "mini-outlier" ? 3 + (seed % 4) : 7 + ((i * 37 * (1 + seed) + seed * 101 + length) % 500),
      ),
    ),
  );
}

function checkCosines(name: keyof typeof BOUNDS, actual: Vectors, expected: Vectors): void {
  const errors = expected.map((vector, i) => 1 - cosine(actual[i] ?? [], vector));
  const mean = errors.reduce((a, b) => a + b, 0) / errors.length;
  const worst = Math.max(...errors);
  assert.ok(mean <= BOUNDS[name].mean && worst <= BOUNDS[name].worst, `${name}: mean ${mean}, worst ${worst}`);
}

function similarities(vectors: Vectors): number[] {
  return vectors.flatMap((a, i) => vectors.slice(i + 1).map((b) => cosine(a, b)));
}

/** Spearman's ρ. */
function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [ranksA, ranksB] = [ranks(a), ranks(b)];
  const squares = ranksA.reduce((sum, rank, i) => sum + (rank - (ranksB[i] ?? 0)) ** 2, 0);
  return 1 - (6 * squares) / (a.length * (a.length ** 2 - 1));
}

function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].toSorted((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const result = Array.from(values, () => 0);
  for (const [rank, i] of order.entries()) result[i] = rank;
  return result;
}
