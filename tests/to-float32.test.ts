import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DType } from "../src/core/dtype.ts";
import { DTYPE_BITS } from "../src/core/dtype.ts";
import { isNumericDType, toFloat32 } from "../src/core/to-float32.ts";
import { fixtureJson } from "./support/fixtures.ts";

const { dtypes } = fixtureJson<{ dtypes: Record<string, { stored: string; float32: string }> }>(
  "weights/float32-conversions.json",
);

function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return Number.isNaN(value) ? "7fc00000" : view.getUint32(0).toString(16).padStart(8, "0");
}

describe("toFloat32", () => {
  for (const [dtype, { stored, float32 }] of Object.entries(dtypes)) {
    it(`converts ${dtype} as torch does, at any alignment`, () => {
      assert.ok(isNumericDType(dtype as DType));
      const bytes = Buffer.concat([Buffer.alloc(1), Buffer.from(stored, "hex")]).subarray(1);
      const values = new Float32Array((bytes.byteLength * 8) / DTYPE_BITS[dtype as DType]);
      toFloat32(bytes, dtype as "F64", values);
      assert.equal(Array.from(values, bitsOf).join(" "), float32);
    });
  }

  it("covers every dtype that has a value for each of its bytes", () => {
    const numeric = (Object.keys(DTYPE_BITS) as DType[]).filter(isNumericDType);
    assert.deepEqual(
      numeric.filter((dtype) => !(dtype in dtypes)),
      ["F32", "F16", "BF16", "BOOL"], // dtype.test.ts has the first three
    );
    const values = new Float32Array(3);
    toFloat32(new Uint8Array([0, 1, 2]), "BOOL", values);
    assert.deepEqual([...values], [0, 1, 1]);
  });
});
