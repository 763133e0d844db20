import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { createBackend } from "../../../src/index.ts";
import type { Backend, KvCacheUse, Segment } from "../../../src/kernels/backend.ts";
import { ReferenceBackend } from "../../../src/kernels/reference/reference-backend.ts";
import { assertClose } from "../../support/close.ts";
import { activationOf, noise } from "../../support/random-operands.ts";
import { SIMD_LEVELS } from "../../support/wasm-levels.ts";

interface Size {
  readonly lengths: readonly number[];
  readonly kvHeads: number;
  readonly group: number;
  readonly headDim: number;
  /** Whether the first sequence is seen by all that follow. */
  readonly prefix: boolean;
}

const sizes: fc.Arbitrary<Size> = fc.record({
  /** Around a block of keys, a register tile, and a tile of the job. */
  lengths: fc.array(fc.constantFrom(1, 2, 5, 6, 7, 8, 31, 47, 48, 49, 97, 130), { minLength: 1, maxLength: 4 }),
  kvHeads: fc.constantFrom(1, 2),
  group: fc.constantFrom(1, 2, 3),
  /** Rotated in blocks of 64, 128, 8 and 4, and not at all; with whole words and without. */
  headDim: fc.constantFrom(64, 128, 72, 100, 66, 67),
  prefix: fc.boolean(),
});

interface Heads {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

for (const simd of SIMD_LEVELS) {
  for (const tileColumns of [8, 16] as const) {
    describe(`wasm ${simd}: attention from rounded scores, ${tileColumns} columns`, () => {
      const reference = new ReferenceBackend();
      let backend: Backend;
      before(async () => {
        backend = await createBackend({ kind: "wasm", threads: 2, simd, tileColumns, weights: "int8" });
      });
      after(() => backend.dispose());

      it("is the reference's of queries and keys in eight bits", () =>
        fc.assert(
          fc.asyncProperty(sizes, async (size) => {
            const heads = randomHeads(size);
            const rounded = { q: roundHeads(heads.q, size.headDim), k: roundHeads(heads.k, size.headDim), v: heads.v };
            const [expected, actual] = [await attend(reference, size, rounded), await attend(backend, size, heads)];
            assertClose(actual, expected, { rtol: 2e-5, atol: 1e-6 }, JSON.stringify(size));
          }),
          { numRuns: 20 },
        ));

      it("weighs keys alike where query or key is 0", async () => {
        const size = { lengths: [70], kvHeads: 2, group: 2, headDim: 64, prefix: false };
        const { q, k, v } = randomHeads(size);
        const zeros = (x: Float32Array): Float32Array => new Float32Array(x.length);
        const expected = await attend(reference, size, { q: zeros(q), k, v });
        for (const heads of [
          { q: zeros(q), k, v },
          { q, k: zeros(k), v },
        ]) {
          assertClose(await attend(backend, size, heads), expected, { rtol: 2e-5, atol: 1e-6 }, "zeros");
        }
      });
    });
  }
}

describe("wasm: attention of an eight-bit model", () => {
  const ragged = { lengths: [20, 1, 50, 2], kvHeads: 2, group: 2, headDim: 64, prefix: true };
  const small = { lengths: [40, 19], kvHeads: 2, group: 2, headDim: 62, prefix: false };
  for (const [what, size, use] of [
    ["sequences that grow over a cache", ragged, "growth"],
    ["heads of fewer than 64 values", small, undefined],
  ] as const) {
    it(`keeps float32 scores for ${what}`, async () => {
      const results: Float32Array[] = [];
      for (const weights of ["int8", "stored"] as const) {
        const backend = await createBackend({ kind: "wasm", threads: 2, weights });
        results.push(await attend(backend, size, randomHeads(size), use));
        await backend.dispose();
      }
      assert.deepEqual(results[0], results[1]);
    });
  }

  it("rounds the scores of the same tokens alike over a prefix in a cache and without one", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 2, weights: "int8" });
    const heads = randomHeads(ragged);
    assert.deepEqual(await attend(backend, ragged, heads, "prefix"), await attend(backend, ragged, heads));
    await backend.dispose();
  });
});

async function attend(backend: Backend, size: Size, { q, k, v }: Heads, use?: KvCacheUse): Promise<Float32Array> {
  const { kvHeads, group, headDim } = size;
  const kvWidth = kvHeads * headDim;
  const ops = backend.record();
  const qkv = {
    q: await activationOf(backend, ops, q, group * kvWidth),
    k: await activationOf(backend, ops, k, kvWidth),
    v: await activationOf(backend, ops, v, kvWidth),
  };
  const slots = Uint32Array.from({ length: k.length / kvWidth }, (_, i) => i);
  const cacheSize = { layers: 1, slots: slots.length, keyValueWidth: kvWidth };
  const cache = use && { store: backend.createKvCache(cacheSize, use), layer: 0, slots };
  const options = { headDim, segments: segmentsOf(size), ...(cache && { cache }) };
  const [out = new Float32Array()] = await ops.read(ops.attention(qkv, options));
  return out;
}

function segmentsOf({ lengths: [first = 0, ...others], prefix }: Size): Segment[] {
  let end = 0;
  return [first, ...others].map((length, i) => {
    const start = (end += length) - length;
    const own = { queryStart: start, queryLength: length, keyStart: start, keyLength: length };
    return { ...own, prefixStart: 0, prefixLength: prefix && i > 0 ? first : 0 };
  });
}

/** Small whole numbers, which the kernel's float32 rotates exactly; queries differ in size, as those of heads do. */
function randomHeads({ lengths, kvHeads, group, headDim }: Size): Heads {
  const width = lengths.reduce((a, b) => a + b, 0) * kvHeads * headDim;
  const whole = (scale: number, seed: number): ((value: number, i: number) => number) => {
    return (value, i) => Math.round(value * scale * (1 + ((i / headDim) % seed)));
  };
  return {
    q: noise(width * group, 1).map(whole(2, 3)),
    k: noise(width, 2).map(whole(3, 2)),
    v: noise(width, 3),
  };
}

/** What the kernel makes of each head: rotated, in whole steps of 1/127 of its largest magnitude. */
function roundHeads(x: Float32Array, headDim: number): Float32Array {
  const block = headDim & -headDim;
  const result = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += headDim) {
    const head = x.subarray(start, start + headDim);
    const turned = block < 4 ? [...head] : rotate(head, block);
    const step = Math.fround(Math.max(...turned.map(Math.abs)) / 127);
    const inverse = step > 0 ? Math.fround(1 / step) : 0;
    const length = block < 4 ? 1 : Math.sqrt(block);
    for (const [i, value] of turned.entries())
      result[start + i] = (roundEven(Math.fround(value * inverse)) * step) / length;
  }
  return result;
}

/** x · H in blocks, entry (i, j) of H −1 to the number of bits that i and j share. */
function rotate(x: Float32Array, block: number): number[] {
  return Array.from(x, (_, i) => {
    const first = i - (i % block);
    let sum = 0;
    for (let j = 0; j < block; j++) sum += (x[first + j] ?? 0) * (-1) ** bitsOf((i % block) & j);
    return sum;
  });
}

function bitsOf(n: number): number {
  return n === 0 ? 0 : (n & 1) + bitsOf(n >> 1);
}

function roundEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
