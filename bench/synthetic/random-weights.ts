import { setFloat16 } from "@petamoriken/float16";
import type { WeightDType } from "../../src/core/dtype.ts";
import { narrowToBf16 } from "../../src/core/bf16.ts";

/** Standard deviation of Qwen3's own initialisation. */
const MATRIX_STD = 0.02;
/** Norm weights spread around 1, so that a norm that is skipped or misplaced shows. */
const NORM_STD = 0.1;
const QUANTILES = 1 << 16;

type Bits = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/**
 * Normally distributed weights in stored form. A table holds the 65,536 quantiles of the distribution as the stored
 * bits, and every 32-bit hash of a counter picks two of them: no arithmetic per value, any block can be made alone,
 * and the same seed gives the same bytes everywhere.
 */
export class RandomWeights {
  readonly #seed: number;
  readonly #matrix: Bits;
  readonly #norm: Bits;

  constructor(seed: number, dtype: WeightDType) {
    this.#seed = seed;
    this.#matrix = quantileTable(0, MATRIX_STD, dtype);
    this.#norm = quantileTable(1, NORM_STD, dtype);
  }

  /** Fills `block` with elements `start …` of tensor number `tensor`; `start` must be even. */
  write(block: Bits, tensor: number, start: number, kind: "matrix" | "norm"): void {
    const table = kind === "norm" ? this.#norm : this.#matrix;
    const key = scramble(this.#seed ^ scramble(tensor + 1));
    const firstPair = start / 2;
    for (let i = 0; i < block.length; i += 2) {
      const hash = scramble((firstPair + (i >> 1)) ^ key);
      block[i] = table[hash & 0xffff] as number;
      block[i + 1] = table[hash >>> 16] as number; // past the end of an odd block this writes nothing
    }
  }
}

/** A mixing function for 32-bit counters: multiply and xor-shift, every input bit reaches every output bit. */
function scramble(counter: number): number {
  let x = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

function quantileTable(mean: number, std: number, dtype: WeightDType): Bits {
  return storedBits(
    normalQuantiles(QUANTILES).map((quantile) => mean + std * quantile),
    dtype,
  );
}

function storedBits(values: Float32Array<ArrayBuffer>, dtype: WeightDType): Bits {
  switch (dtype) {
    case "F32":
      return new Uint32Array(values.buffer);
    case "BF16":
      return Uint16Array.from({ length: values.length }, littleEndianPairs(narrowToBf16(values)));
    case "F16": {
      const view = new DataView(new ArrayBuffer(values.length * 2));
      values.forEach((value, i) => setFloat16(view, 2 * i, value, true));
      return new Uint16Array(view.buffer);
    }
    default:
      return dtype satisfies never;
  }
}

function littleEndianPairs(bytes: Uint8Array): (_: unknown, index: number) => number {
  return (_, index) => (bytes[2 * index] as number) | ((bytes[2 * index + 1] as number) << 8);
}

/** The middle of each of `count` equally likely ranges, found by walking along the density. */
function normalQuantiles(count: number): Float32Array<ArrayBuffer> {
  const step = 1e-5;
  const quantiles = new Float32Array(count);
  let x = -6;
  let below = 0;
  for (let i = 0; i < count; i++) {
    for (; below < (i + 0.5) / count; x += step) {
      below += (step * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
    }
    quantiles[i] = x;
  }
  return quantiles;
}
