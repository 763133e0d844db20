import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Backend } from "../../src/kernels/backend.ts";
import { ReferenceBackend } from "../../src/kernels/reference/reference-backend.ts";
import type { OpCase } from "./op-cases.ts";
import { OpRig } from "./op-rig.ts";

/** Every case on one backend and on the reference: each value within `tolerance` times its row's scale. */
export function describeOps(
  title: string,
  createBackend: () => Promise<Backend>,
  cases: readonly OpCase[],
  tolerance: number,
): void {
  describe(title, () => {
    let backend: Backend;
    before(async () => {
      backend = await createBackend();
    });
    after(() => backend.dispose());

    for (const opCase of cases) {
      it(opCase.name, async () => {
        const expected = await runCase(opCase, new ReferenceBackend());
        const actual = await runCase(opCase, backend);
        for (const [i, { data, width }] of expected.entries()) {
          const worst = worstRowError(actual[i]?.data ?? new Float32Array(), data, width);
          assert.ok(
            worst.error <= tolerance,
            `result ${i}, row ${worst.row}: off by ${worst.error} of the row's scale`,
          );
        }
      });
    }
  });
}

interface Result {
  readonly data: Float32Array;
  readonly width: number;
}

async function runCase(opCase: OpCase, backend: Backend): Promise<Result[]> {
  const rig = new OpRig(backend);
  const activations = await opCase.run(rig);
  const results = await rig.ops.read(...activations);
  return results.map((data, i) => ({ data, width: activations[i]?.width ?? 1 }));
}

/**
 * The largest difference of a row as a share of its scale; Infinity if a value is not finite. A row's scale is its largest
 * value, but at least a tenth of the largest of all rows: short rows can cancel to almost nothing.
 */
function worstRowError(actual: Float32Array, expected: Float32Array, width: number): { error: number; row: number } {
  assert.equal(actual.length, expected.length);
  const least = expected.reduce((max, value) => Math.max(max, Math.abs(value)), Number.MIN_VALUE) / 10;
  let worst = { error: 0, row: 0 };
  for (let row = 0; row < expected.length / width; row++) {
    let difference = 0;
    let scale = least;
    for (let i = row * width; i < (row + 1) * width; i++) {
      const off = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? 0));
      difference = Number.isFinite(off) ? Math.max(difference, off) : Infinity;
      scale = Math.max(scale, Math.abs(expected[i] ?? 0));
    }
    if (difference / scale > worst.error) worst = { error: difference / scale, row };
  }
  return worst;
}
