import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RotaryEmbedding } from "../../src/model/rotary.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { fixture, fixtureJson } from "../support/fixtures.ts";

interface RopeCase {
  readonly name: string;
  readonly head_dim: number;
  readonly rope_theta: number;
  readonly positions: readonly number[];
}

/** One ulp of a float32 near 1: of sine and cosine, and as a share of an inverse frequency and so of an angle. */
const ONE_ULP = 2 ** -23;

describe("RotaryEmbedding", () => {
  let numbers: SafetensorsFile;
  before(async () => {
    numbers = await SafetensorsFile.open(fixture("goldens/numbers/rope.safetensors"));
  });
  after(() => numbers.close());

  for (const { name, head_dim: headDim, rope_theta: theta, positions } of fixtureJson<RopeCase[]>(
    "goldens/numbers/rope.json",
  )) {
    it(`${name}: agrees with transformers at every position up to ${positions.at(-1)}`, async () => {
      const half = headDim / 2;
      const table = new RotaryEmbedding(headDim, theta).upTo(Math.max(...positions) + 1);
      for (const part of ["cos", "sin"] as const) {
        const expected = await numbers.readFloat32(`${name}/${part}`);
        const frequencies = await numbers.readFloat32(`${name}/inv_freq`);
        for (const [row, position] of positions.entries()) {
          for (const [i, frequency] of frequencies.entries()) {
            const actual = table[part][position * half + i] ?? Number.NaN;
            const wanted = expected[row * headDim + i] ?? Number.NaN;
            const allowed = ONE_ULP * (1 + position * frequency);
            assert.ok(
              Math.abs(actual - wanted) <= allowed,
              `${part}[${position}, ${i}] is ${actual} instead of ${wanted}`,
            );
          }
        }
      }
    });
  }
});
