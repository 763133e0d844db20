import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBackend } from "../../../src/index.ts";
import { firstDifference } from "../../../src/kernels/wasm/compare-kernels.ts";

/** So few that every matrix begins another memory. */
const ONE_MATRIX_EACH = 1;

describe("wasm: weights in several memories", () => {
  for (const weights of ["stored", "int8"] as const) {
    it(`gives the bits of one memory, operation by operation: ${weights}`, async () => {
      const one = await createBackend({ kind: "wasm", threads: 2, weights });
      const many = await createBackend({ kind: "wasm", threads: 2, weights, weightsPerMemory: ONE_MATRIX_EACH });
      assert.equal(await firstDifference(one, many), undefined);
      await Promise.all([one.dispose(), many.dispose()]);
    });
  }
});
