import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { WebAssembly } from "../../../src/core/webassembly.ts";
import { detectSimd, type SimdLevel } from "../../../src/kernels/wasm/features.ts";
import { assemble } from "../../support/assemble.ts";

/** The functions alone, over arrays. */
const SOURCE = `
  import { exp } from "./parts/exp.ts";
  import { exp2, writeExp2 } from "./parts/exp2.ts";
  import { log } from "./parts/log.ts";

  export function expOf(x: usize, into: usize, bytes: usize): void {
    for (const end = x + bytes; x < end; x += 16, into += 16) v128.store(into, exp(v128.load(x)));
  }
  export function exp2Of(x: usize, into: usize, bytes: usize): void {
    writeExp2(0);
    for (const end = x + bytes; x < end; x += 16, into += 16) v128.store(into, exp2(v128.load(x), 0));
  }
  export function logOf(x: usize, into: usize, bytes: usize): void {
    for (const end = x + bytes; x < end; x += 8, into += 8) store<f64>(into, log(load<f64>(x)));
  }
`;
const PAGES = 512;
const INPUT = 64;
const OUTPUT = INPUT + PAGES * 2 ** 15;

/** Relative errors that the sources and docs/wasm.md state; largest found over every float32 in range: 8.5e-8, 1.94e-7. */
const EXP_RTOL = 9e-8;
const EXP2_RTOL = 2e-7;
const LOG_RTOL = 1.5e-15;

/** The ends of exp's range (parts/exp.ts). */
const LOWEST_EXP = -87.33654;
const HIGHEST_EXP = 88.37626;
/** Half the distance between float32 numbers below 2⁻¹²⁶. */
const DENORMAL_ATOL = 2 ** -150;

type Values = Float32Array | Float64Array;
type Compute = (x: Values) => Values;
type Kernel = (x: number, into: number, bytes: number) => void;

async function openProbe(level: SimdLevel): Promise<Record<"exp" | "exp2" | "log", Compute>> {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65_536, shared: true });
  const module = await WebAssembly.compile(await assemble(SOURCE, level));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const bytes = new Uint8Array(memory.buffer);
  const computeBy =
    (name: string): Compute =>
    (x) => {
      bytes.set(new Uint8Array(x.buffer), INPUT);
      (exports[name] as Kernel)(INPUT, OUTPUT, x.byteLength);
      const results = x.slice();
      new Uint8Array(results.buffer).set(bytes.subarray(OUTPUT, OUTPUT + x.byteLength));
      return results;
    };
  return { exp: computeBy("expOf"), exp2: computeBy("exp2Of"), log: computeBy("logOf") };
}

/** Float32 numbers of one sign: `from`, `to` and every 251st between, 33,000 for each power of two. */
function floats(from: number, to: number): Float32Array {
  const [first = 0, last = 0] = new Int32Array(Float32Array.of(from, to).buffer);
  const count = Math.ceil((last - first) / 251) + 1;
  return new Float32Array(Int32Array.from({ length: count }, (_, i) => Math.min(first + 251 * i, last)).buffer);
}

/** `count` numbers from `from` to `to`. */
function spread(from: number, to: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

interface Tolerance {
  readonly rtol: number;
  readonly atol?: number;
}

function assertClose(x: Values, actual: Values, exact: (x: number) => number, { rtol, atol = 0 }: Tolerance): void {
  for (let i = 0; i < x.length; i++) {
    const [at, value] = [x[i] as number, actual[i] as number];
    const expected = exact(at);
    if (Math.abs(value - expected) <= rtol * Math.abs(expected) + atol) continue;
    assert.fail(`${value} at ${at}, ${value / expected - 1} off ${expected}`);
  }
}

// What Node 21 and newer have of themselves, Node 20 has behind a flag.
if (detectSimd() !== "relaxed") setFlagsFromString("--experimental-wasm-relaxed-simd");

for (const level of ["simd", "relaxed"] as const) {
  describe(`wasm ${level}: exponentials`, async () => {
    const { exp, exp2, log } = await openProbe(level);

    it(`exp is within ${EXP_RTOL} wherever it is a normal float32`, () => {
      for (const x of [floats(-1e-9, LOWEST_EXP), floats(1e-9, HIGHEST_EXP)]) {
        assertClose(x, exp(x), Math.exp, { rtol: EXP_RTOL });
      }
    });

    it("exp is 1 for 0, 0 below its range and finite above", () => {
      const most = exp(Float32Array.of(HIGHEST_EXP))[0] ?? Number.NaN;
      const x = Float32Array.of(0, -0, -87.33655, -1e30, -Infinity, Number.NaN, 88.5, Infinity);
      assert.deepEqual(exp(x), Float32Array.of(1, 1, 0, 0, 0, 0, most, most));
    });

    it(`exp2 is within ${EXP2_RTOL} from −126 to 0`, () => {
      const x = floats(-1e-9, -126);
      assertClose(x, exp2(x), (power) => 2 ** power, { rtol: EXP2_RTOL });
    });

    it("exp2 is as close as denormal numbers lie from there to −126.5", () => {
      const x = floats(-126, -126.49999);
      assertClose(x, exp2(x), (power) => 2 ** power, { rtol: EXP2_RTOL, atol: DENORMAL_ATOL });
    });

    it("exp2 is 1 for 0, exact for whole numbers, and 0 below its range, as for the score of a hidden key", () => {
      const whole = Float32Array.from({ length: 128 }, (_, i) => -i);
      assert.deepEqual(exp2(whole), whole.map((x, i) => (i < 127 ? 2 ** x : 0))); // oxfmt-ignore
      const x = Float32Array.of(-0, -126.5, -127, -149, -1e30, -2e30, -Infinity, Number.NaN);
      assert.deepEqual(exp2(x), Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    });

    it(`log is within ${LOG_RTOL} for normal float64`, () => {
      const powers = spread(-1022, 1023.999, 200_000).map((power) => 2 ** power);
      const sums = spread(1, 200_000, 200_000); // Σ exp(x − largest) over a vocabulary
      for (const x of [powers, sums, spread(0.7, 1.42, 200_000), spread(1 - 2 ** -40, 1 + 2 ** -40, 4097)]) {
        assertClose(x, log(x), Math.log, { rtol: LOG_RTOL });
      }
    });
  });
}
