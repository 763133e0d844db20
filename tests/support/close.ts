import assert from "node:assert/strict";

/** |a − b| ≤ rtol · max|b| + atol, where max|b| is the largest of the whole tensor. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** Fails with the worst element if two arrays differ by more than the tolerance, or either is not finite. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: Tolerance,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  const scale = largest(expected);
  const { worst, at } = worstDifference(actual, expected);
  const allowed = rtol * scale + atol;
  const values = `${actual[at]} instead of ${expected[at]}`;
  assert.ok(worst <= allowed, `${what}: off by ${worst} at ${at} (${values}), allowed ${allowed}`);
}

/** Largest absolute difference; NaN if any value is not finite. */
export function maxDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return worstDifference(actual, expected).worst;
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? Number.NaN;
    const y = b[i] ?? Number.NaN;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

function largest(values: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) max = Math.max(max, Math.abs(values[i] ?? 0));
  return max;
}

function worstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): { worst: number; at: number } {
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (!(difference <= worst)) {
      worst = difference;
      at = i;
      if (Number.isNaN(difference)) break;
    }
  }
  return { worst, at };
}
