import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EmbeddingModel } from "../../src/index.ts";
import { fixture } from "../support/fixtures.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

/** Of unit vectors: other kernels, so sums in another order. */
const TOLERANCE = 2e-6;

/** The kernels of software adapters, and those of hardware. */
for (const [name, options] of [
  ["subgroups", {}],
  ["no subgroups", { withoutFeatures: ["subgroups"] }],
] as const) {
  describe(`webgpu, ${name}: a text's vector`, () => {
    it("is the same alone and in batches of few and of many rows, on both sides of 16", async () => {
      for (const source of [undefined, fixture("goldens/models/mini-wide")]) {
        const model = await EmbeddingModel.load(source, { backend: await webGpuTestBackend(options) });
        const texts = [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 33, 70].map((length, i) =>
          Uint32Array.from({ length }, (_, j) => (37 * i + 11 * j) % 700),
        );
        const together = await model.encodeIds(texts);
        for (const [i, text] of texts.entries()) {
          const [alone = new Float32Array()] = await model.encodeIds([text]);
          const worst = alone.reduce((most, value, j) => Math.max(most, Math.abs(value - (together[i]?.[j] ?? 2))), 0);
          assert.ok(worst <= TOLERANCE, `${text.length} tokens: ${worst}`);
        }
        await model.dispose();
      }
    });
  });
}
