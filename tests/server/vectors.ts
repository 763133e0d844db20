import assert from "node:assert/strict";

/** Vectors that differ by rounding only: the server normalises on its own, in another order. */
export function assertClose(actual: unknown, expected: readonly ArrayLike<number>[], tolerance = 1e-6): void {
  assert.ok(Array.isArray(actual));
  assert.equal(actual.length, expected.length);
  for (const [i, vector] of expected.entries()) {
    const values = actual[i] as readonly number[];
    assert.equal(values.length, vector.length);
    const worst = Math.max(...values.map((value, j) => Math.abs(value - (vector[j] ?? Number.NaN))));
    assert.ok(worst <= tolerance, `vector ${i} is off by ${worst}`);
  }
}
