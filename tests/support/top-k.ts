import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Backend } from "../../src/index.ts";
import { TOP_K_LIMIT } from "../../src/kernels/backend.ts";
import { matrixSource } from "./matrix-source.ts";

/** `topK` of one backend against sorting: sizes around workgroup and vector widths, ties, negative and huge values. */
export function describeTopK(title: string, createBackend: () => Promise<Backend>): void {
  describe(`${title}: topK`, () => {
    let backend: Backend;
    before(async () => {
      backend = await createBackend();
    });
    after(() => backend.dispose());

    async function check(rows: readonly Float32Array[], k: number): Promise<void> {
      const width = rows[0]?.length ?? 0;
      const table = await backend.loadMatrix(matrixSource("values", width, rows), "table");
      const ops = backend.record();
      const values = ops.embed(table, Uint32Array.from(rows.keys()));
      const [data = new Float32Array()] = await ops.read(ops.topK(values, k));
      assert.equal(data.length, rows.length * (2 * k + 1));
      for (const [t, row] of rows.entries()) {
        const result = data.subarray(t * (2 * k + 1), (t + 1) * (2 * k + 1));
        const order = [...row.keys()].toSorted((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b).slice(0, k);
        assert.deepEqual([...result.subarray(k, 2 * k)], order, `row ${t}: columns`);
        assert.deepEqual([...result.subarray(0, k)], order.map((column) => row[column]), `row ${t}: values`); // oxfmt-ignore
        const expected = logSumExp(row);
        const error = Math.abs((result[2 * k] ?? Number.NaN) - expected);
        assert.ok(error <= 2e-6 * Math.max(1, Math.abs(expected)), `row ${t}: log Σ exp off by ${error}`);
      }
    }

    for (const width of [64, 256, 1000, 4096, 4097, 20_000]) {
      for (const k of [1, 20, TOP_K_LIMIT]) {
        it(`${k} of ${width}`, () => check([noise(width, 1), noise(width, 2), noise(width, 3)], k));
      }
    }
    it(`${TOP_K_LIMIT} of a vocabulary`, () => check([noise(151_669, 9), noise(151_669, 10)], TOP_K_LIMIT));
    it("all of a row", () => check([noise(7, 4)], 7));
    it("takes the lower column of equal values", () => check([new Float32Array(3000), noise(3000, 5).fill(2.5, 1000, 2000)], 40)); // oxfmt-ignore
    it("finds the largest at either end", () => {
      const row = noise(2049, 6);
      row[0] = 50;
      row[2048] = 60;
      return check([row], 5);
    });
    it("of negative and very large values", () => {
      const low = noise(500, 7).map((value) => value - 1000);
      const high = noise(500, 8).map((value) => value * 1e6);
      return check([low, high], 10);
    });
  });
}

function logSumExp(row: Float32Array): number {
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

/** Values from −8 to 8, the same for the same seed. */
function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 16;
  });
}
