/** One line of the report. */
export interface Check {
  readonly name: string;
  /** `info` measures something that cannot be wrong, such as speed. */
  readonly status: "pass" | "fail" | "info" | "not applicable";
  /** What was measured against what, in a sentence. */
  readonly detail: string;
}

/** A difference held against its tolerance; NaN fails. */
export function within(name: string, difference: number, tolerance: number, against: string): Check {
  const detail = `off by ${difference.toExponential(1)} from ${against}, allowed ${tolerance.toExponential(0)}`;
  return { name, status: difference <= tolerance ? "pass" : "fail", detail };
}

export function passes(name: string, ok: boolean, detail: string): Check {
  return { name, status: ok ? "pass" : "fail", detail };
}

/** Largest absolute difference; NaN if anything is missing or not a number. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
