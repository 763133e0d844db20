import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBackend } from "../../../src/index.ts";
import { firstDifference } from "../../../src/kernels/wasm/compare-kernels.ts";
import { canRevectorize } from "../../../src/kernels/wasm/revectorize.ts";
import { rowsModule } from "../../support/wasm-module.ts";

describe("wasm: revectorize", () => {
  for (const weights of ["stored", "int8"] as const) {
    it(`runs faster kernels that compute the same, or warns and runs the plain ones: ${weights}`, async () => {
      const warnings: string[] = [];
      const onWarning = (message: string): unknown => warnings.push(message);
      const options = { kind: "wasm", threads: 2, weights, onWarning } as const;
      const backend = await createBackend({ ...options, revectorize: true });
      const { description, details } = backend.device;
      assert.equal(details["revectorized"], canRevectorize());
      assert.equal(description.includes("revectorized"), canRevectorize());
      assert.equal(warnings.length, canRevectorize() ? 0 : 1);

      const plain = await createBackend({ ...options, revectorize: false });
      assert.equal(plain.device.details["revectorized"], false);
      assert.equal(await firstDifference(plain, backend), undefined);
      await Promise.all([backend.dispose(), plain.dispose()]);
    });
  }

  it("is refused where results differ", async () => {
    const nothing: readonly number[] = [];
    const broken = await createBackend({ kind: "wasm", threads: 1, kernels: { rows: rowsModule(nothing) } });
    const right = await createBackend({ kind: "wasm", threads: 1 });
    assert.equal(await firstDifference(right, broken), "rmsNorm, normalize and topK");
    await Promise.all([broken.dispose(), right.dispose()]);
  });
});
