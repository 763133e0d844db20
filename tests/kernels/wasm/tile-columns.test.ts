import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createBackend, EmbeddingModel } from "../../../src/index.ts";
import { activationOf, noise, randomMatrix } from "../../support/random-operands.ts";
import { SIMD_LEVELS } from "../../support/wasm-levels.ts";

const TEXTS = [1, 3, 20, 90, 200].map((words) => "A river runs past the old library ".repeat(words));

for (const simd of SIMD_LEVELS) {
  for (const weights of ["stored", "int8"] as const) {
    describe(`wasm ${simd}: register tiles of sixteen columns, ${weights} weights`, () => {
      const backends = (): Promise<Awaited<ReturnType<typeof createBackend>>[]> =>
        Promise.all(
          ([8, 16] as const).map((tileColumns) =>
            createBackend({ kind: "wasm", threads: 2, simd, weights, tileColumns }),
          ),
        );

      it("give a model's vectors to the bit", async () => {
        const vectors: Float32Array[][] = [];
        for (const backend of await backends()) {
          const model = await EmbeddingModel.load(undefined, { backend });
          vectors.push(await model.encode(TEXTS));
          await model.dispose();
        }
        assert.deepEqual(vectors[1], vectors[0]);
      });

      it("give products to the bit", async () => {
        const [narrow, wide] = await backends();
        assert.ok(narrow && wide);
        const size = fc.record({
          rows: fc.integer({ min: 1, max: 40 }),
          columns: fc.integer({ min: 1, max: 70 }),
          depth: fc.constantFrom(1, 6, 100, 256, 300, 1024),
          dtype: fc.constantFrom("F32", "BF16", "F16"),
        });
        const check = fc.asyncProperty(size, async ({ rows, columns, depth, dtype }) => {
          const results = await Promise.all(
            [narrow, wide].map(async (backend) => {
              const ops = backend.record();
              const x = await activationOf(backend, ops, noise(rows * depth, 1), depth);
              const weight = await backend.loadMatrix(randomMatrix(columns, depth, dtype, 2), "product");
              return await ops.read(ops.linear(x, weight));
            }),
          );
          assert.deepEqual(results[1], results[0]);
        });
        await fc.assert(check, { numRuns: 40 });
        await Promise.all([narrow.dispose(), wide.dispose()]);
      });
    });
  }
}
