import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { createBackend } from "../../../src/index.ts";
import type { Activation, Backend, MatrixSource, Recording } from "../../../src/kernels/backend.ts";
import { ReferenceBackend } from "../../../src/kernels/reference/reference-backend.ts";
import { activationOf, matrixOf, noise, randomMatrix, rotaryTable } from "../../support/random-operands.ts";
import { SIMD_LEVELS } from "../../support/wasm-levels.ts";

interface Size {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** At least seven results: the terms of one may cancel, and its rounding error is then large beside it. */
const sizes = fc
  .record({
    rows: fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 25, 65, 97),
    columns: fc.constantFrom(1, 7, 8, 9, 17, 64, 129),
    depth: fc.constantFrom(1, 2, 3, 4, 5, 8, 12, 31, 64, 100, 128, 192, 513, 1024, 3072),
  })
  .filter(({ rows, columns }) => rows * columns >= 7);

type Recipe = (backend: Backend, ops: Recording) => Promise<readonly Activation[]>;

async function run(backend: Backend, recipe: Recipe): Promise<Float32Array[]> {
  const ops = backend.record();
  return await ops.read(...(await recipe(backend, ops)));
}

const linear =
  ({ rows, depth }: Size, weight: MatrixSource, values = noise(rows * depth, 1)): Recipe =>
  async (backend, ops) => {
    const x = await activationOf(backend, ops, values, depth);
    return [ops.linear(x, await backend.loadMatrix(weight, "product"))];
  };

/** ‖actual − expected‖ / ‖expected‖ */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  let error = 0;
  let length = 0;
  for (const [i, value] of expected.entries()) {
    error += ((actual[i] ?? Number.NaN) - value) ** 2;
    length += value ** 2;
  }
  return Math.sqrt(error / (length || 1));
}

/** Both operands carry a rounding error of some 0.6 %; few terms average it badly. */
const TOLERANCE = 0.025;

for (const simd of SIMD_LEVELS) {
  describe(`wasm ${simd}: eight-bit weights`, () => {
    const reference = new ReferenceBackend();
    let backend: Backend;
    before(async () => {
      backend = await createBackend({ kind: "wasm", threads: 2, simd, weights: "int8" });
    });
    after(() => backend.dispose());

    async function compare(recipe: Recipe): Promise<void> {
      const [expected, actual] = [await run(reference, recipe), await run(backend, recipe)];
      for (const [i, values] of expected.entries()) {
        const error = relativeError(actual[i] ?? new Float32Array(), values);
        assert.ok(error <= TOLERANCE, `output ${i} is ${error} off`);
      }
    }

    it("give products close to the reference", () =>
      fc.assert(
        fc.asyncProperty(sizes, fc.constantFrom("F32", "BF16", "F16"), (size, dtype) =>
          compare(linear(size, randomMatrix(size.columns, size.depth, dtype, 2))),
        ),
        { numRuns: 60 },
      ));

    it("are not ruined by one large activation, nor by one column of large or tiny weights", async () => {
      const size = { rows: 8, columns: 64, depth: 1024 };
      const x = noise(size.rows * size.depth, 3);
      const weights = noise(size.columns * size.depth, 4);
      for (let row = 0; row < size.rows; row++) x[row * size.depth + 37] = 300;
      for (let row = 0; row < size.columns; row++) {
        weights[row * size.depth + 37] = (weights[row * size.depth + 37] ?? 0) * 0.01;
        weights[row * size.depth + 500] = (weights[row * size.depth + 500] ?? 0) * 50;
      }
      await compare(linear(size, matrixOf(weights, size.depth, "BF16"), x));
    });

    it("give 0 for a row of zeros, and NaN for one with NaN", async () => {
      const size = { rows: 2, columns: 8, depth: 64 };
      const x = new Float32Array(128);
      x[70] = Number.NaN;
      const [out = new Float32Array()] = await run(backend, linear(size, randomMatrix(8, 64, "BF16", 5), x));
      assert.deepEqual(out.subarray(0, 8), new Float32Array(8));
      assert.ok(out.subarray(8).every(Number.isNaN));
    });

    it("feed gateUp and qkv too, also behind a norm and for some rows", () =>
      compare(async (on, ops) => {
        const x = ops.rmsNorm(await activationOf(on, ops, noise(21 * 96, 6), 96), on.loadNorm("n", noise(96, 7), 1e-6));
        const norm = on.loadNorm("q", noise(16, 8), 1e-6);
        const weights = {
          qkvProj: await on.loadMatrix(randomMatrix(128, 96, "BF16", 9), "product"),
          numAttentionHeads: 4,
          numKeyValueHeads: 2,
          qNorm: norm,
          kNorm: norm,
        };
        const positions = Uint32Array.from({ length: 21 }, (_, i) => i);
        const options = { positions, rotary: rotaryTable(21, 8), queryRows: Uint32Array.of(20, 3, 7) };
        const { q, k, v } = ops.qkv(x, weights, options);
        return [q, k, v, ops.gateUp(x, await on.loadMatrix(randomMatrix(80, 96, "F16", 10), "product"))];
      }));
  });
}

describe("wasm: eight-bit weights", () => {
  it("give the same bits by every kernel that this engine has", async () => {
    const size = { rows: 17, columns: 129, depth: 192 };
    const recipe = linear(size, randomMatrix(size.columns, size.depth, "BF16", 11));
    const results: Float32Array[] = [];
    for (const simd of SIMD_LEVELS) {
      const backend = await createBackend({ kind: "wasm", threads: 2, simd, weights: "int8" });
      results.push(...(await run(backend, recipe)));
      await backend.dispose();
    }
    for (const result of results) assert.deepEqual(result, results[0]);
  });
});
