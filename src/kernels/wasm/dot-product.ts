import { WebAssembly } from "../../core/webassembly.ts";
import type { SimdLevel } from "./features.ts";
import { compileModule } from "./modules.ts";

/** How products of eight-bit values are computed. */
export interface DotProduct {
  /** How the names of the kernels end. */
  readonly suffix: "I8" | "I16";
  /** Added to every activation, and taken off again through the weights' offsets. */
  readonly activationOffset: 0 | 128;
}

/** 16-bit products: part of plain SIMD, exact by definition, about a third as fast. */
export const EXACT_DOT_PRODUCT: DotProduct = { suffix: "I16", activationOffset: 0 };

/**
 * `i32x4.relaxed_dot_i8x16_i7x16_add_s` is defined for seven bits of its second operand. With VNNI on x64 that operand is
 * unsigned and has all eight, on ARM it is signed and has them too; SSE's saturates. This tries both meanings on the
 * extremes and on many others, often enough for V8's optimising compiler to take over in between.
 */
export async function detectDotProduct(level: SimdLevel): Promise<DotProduct> {
  if (level !== "relaxed") return EXACT_DOT_PRODUCT;
  const probe = await loadProbe();
  for (const activationOffset of [128, 0] as const) {
    if (isExact(probe, activationOffset)) return { suffix: "I8", activationOffset };
  }
  return EXACT_DOT_PRODUCT;
}

const VECTORS = 256;
const ROUNDS = 24;
const BYTES = VECTORS * 16;

interface Probe {
  readonly weights: Int8Array;
  readonly x: Int8Array;
  readonly sums: Int32Array;
  readonly run: () => void;
}

async function loadProbe(): Promise<Probe> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const { exports } = new WebAssembly.Instance(await compileModule("dot-probe", "relaxed"), { env: { memory } });
  const dotProbe = exports["dotProbe"] as (weights: number, x: number, into: number, count: number) => void;
  return {
    weights: new Int8Array(memory.buffer, 0, BYTES),
    x: new Int8Array(memory.buffer, BYTES, BYTES),
    sums: new Int32Array(memory.buffer, 2 * BYTES, BYTES / 4),
    run: () => dotProbe(0, BYTES, 2 * BYTES, VECTORS),
  };
}

function isExact({ weights, x, sums, run }: Probe, activationOffset: 0 | 128): boolean {
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < BYTES; i++) {
      weights[i] = testValue(round, i, 3);
      x[i] = testValue(round, i, 7) + activationOffset;
    }
    sums.fill(round);
    run();
    for (let lane = 0; lane < sums.length; lane++) {
      let expected = round;
      for (let i = 4 * lane; i < 4 * lane + 4; i++) {
        expected += (weights[i] as number) * (testValue(round, i, 7) + activationOffset);
      }
      if (sums[lane] !== expected) return false;
    }
  }
  return true;
}

/** −127 to 127; the first rounds take only extremes, in every combination of signs. */
function testValue(round: number, i: number, seed: number): number {
  if (round < 4) return (i >> (seed % 4)) % 2 === round % 2 ? 127 : -127;
  return ((Math.imul(i + 1, 0x9e3779b1 + 2 * seed * round) >>> 8) % 255) - 127;
}
