/** ln 2 */
const LN2: f64 = 0.6931471805599453;
const SQRT_2: f64 = 1.4142135623730951;

/**
 * Natural logarithm of a positive normal number, within 1.5e-15 of it (tests/kernels/wasm/exp.test.ts): x = m · 2ⁿ with
 * m in [√½, √2], and ln m = 2 · atanh((m − 1) / (m + 1)) by its series. Math.log would bring a table, and modules have
 * no static data.
 */
export function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let n = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > SQRT_2) {
    m *= 0.5;
    n += 1;
  }
  const f = (m - 1) / (m + 1);
  const f2 = f * f;
  let series: f64 = 0;
  for (let i = 17; i >= 1; i -= 2) series = series * f2 + 1 / <f64>i;
  return 2 * f * series + <f64>n * LN2;
}
