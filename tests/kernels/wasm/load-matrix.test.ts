import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Backend, createBackend, type MatrixSource } from "../../../src/index.ts";
import { interleaveRows } from "../../../src/model/weight-source.ts";
import { activationOf, noise, randomMatrix } from "../../support/random-operands.ts";

const DEPTH = 2048;
/** Three chunks of 4 MiB and a part of one: the buffers they are read into are used again, and the last is not full. */
const ROWS = 3100;

async function product(backend: Backend, source: MatrixSource): Promise<Float32Array> {
  const ops = backend.record();
  const x = await activationOf(backend, ops, noise(3 * DEPTH, 1), DEPTH);
  const [out = new Float32Array()] = await ops.read(ops.linear(x, await backend.loadMatrix(source, "product")));
  return out;
}

describe("wasm: matrices that are read in several chunks", () => {
  const sources = {
    "as stored": randomMatrix(ROWS, DEPTH, "BF16", 2),
    interleaved: interleaveRows("both", randomMatrix(ROWS / 2, DEPTH, "BF16", 3), randomMatrix(ROWS / 2, DEPTH, "BF16", 4)),
  }; // oxfmt-ignore
  for (const [name, source] of Object.entries(sources)) {
    it(`multiply as in the reference: ${name}`, async () => {
      const wasm = await createBackend({ kind: "wasm", threads: 2 });
      const reference = await createBackend({ kind: "reference" });
      const [got, expected] = [await product(wasm, source), await product(reference, source)];
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Number.NaN))), 0);
      assert.equal(got.length, 3 * ROWS);
      assert.ok(worst <= 1e-5 * largest, `${worst} of ${largest}`);
      await Promise.all([wasm.dispose(), reference.dispose()]);
    });
  }

  it("load after a read that failed in the middle", async () => {
    const wasm = await createBackend({ kind: "wasm", threads: 2 });
    const source = sources.interleaved;
    const [even, odd] = source.halves ?? [];
    assert.ok(even && odd);
    const broken: MatrixSource = {
      ...odd,
      readRows: (start, count, into) => (start > 0 ? Promise.reject(new Error("disk gone")) : odd.readRows(start, count, into)), // oxfmt-ignore
    };
    await assert.rejects(product(wasm, interleaveRows("broken", even, broken)), /disk gone/);
    const before = await product(wasm, source);
    const fresh = await createBackend({ kind: "wasm", threads: 2 });
    assert.deepEqual(before, await product(fresh, source));
    await Promise.all([wasm.dispose(), fresh.dispose()]);
  });
});
