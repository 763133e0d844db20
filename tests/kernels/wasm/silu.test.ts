import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBackend } from "../../../src/index.ts";
import { activationOf, matrixOf } from "../../support/random-operands.ts";
import { SIMD_LEVELS } from "../../support/wasm-levels.ts";

/** Relative error allowed for x · sigmoid(x), about 3 units in the last place; below −80 exp comes near its limits. */
const SILU_RTOL = 2.5e-7;

for (const simd of SIMD_LEVELS) {
  describe(`wasm ${simd}: exp, seen through silu`, () => {
    it(`is within ${SILU_RTOL} from −80 to 80`, async () => {
      const backend = await createBackend({ kind: "wasm", threads: 1, simd });
      const gates = Float32Array.from({ length: 64_001 }, (_, i) => (i - 32_000) / 400);
      // Columns x and 1; the weights pick them: gate = x, up = 1.
      const values = Float32Array.from({ length: 2 * gates.length }, (_, i) => (i % 2 === 0 ? (gates[i / 2] ?? 0) : 1));
      const ops = backend.record();
      const weight = await backend.loadMatrix(matrixOf(Float32Array.of(1, 0, 0, 1), 2, "F32"), "product");
      const [out = []] = await ops.read(ops.gateUp(await activationOf(backend, ops, values, 2), weight));
      let worst = 0;
      for (const [i, x] of gates.entries()) {
        const expected = x / (1 + Math.exp(-x));
        if (expected !== 0) worst = Math.max(worst, Math.abs((out[i] ?? Number.NaN) / expected - 1));
      }
      assert.ok(worst <= SILU_RTOL, `worst relative error ${worst}`);
      await backend.dispose();
    });

    it("saturates without NaN far out", async () => {
      const backend = await createBackend({ kind: "wasm", threads: 1, simd });
      const ops = backend.record();
      const gates = [-1e30, -1e5, -200, -89, 89, 200, 1e5];
      const values = Float32Array.from(gates.flatMap((x) => [x, 1]));
      const weight = await backend.loadMatrix(matrixOf(Float32Array.of(1, 0, 0, 1), 2, "F32"), "product");
      const [out = new Float32Array()] = await ops.read(
        ops.gateUp(await activationOf(backend, ops, values, 2), weight),
      );
      for (const [i, x] of gates.entries()) {
        const expected = x > 0 ? x : 0;
        assert.ok(
          Math.abs((out[i] ?? Number.NaN) - expected) <= 1e-6 * Math.abs(expected) + 1e-8 * Math.abs(x),
          `${x}`,
        );
      }
      await backend.dispose();
    });
  });
}
