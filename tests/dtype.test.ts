import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { widenWeights } from "../src/core/dtype.ts";

describe("widenWeights", () => {
  it("is exact for bf16, f16 and f32 at any alignment", () => {
    const bytes = (...values: number[]): Uint8Array => new Uint8Array([0, ...values]).subarray(1);
    const out = new Float32Array(2);
    widenWeights(bytes(0x80, 0x3f, 0x49, 0xc0), "BF16", out);
    assert.deepEqual([...out], [1, -3.140625]);
    widenWeights(bytes(0x00, 0x3c, 0x01, 0x00), "F16", out);
    assert.deepEqual([...out], [1, 2 ** -24]);
    widenWeights(bytes(0, 0, 0x80, 0x3f, 0xdb, 0x0f, 0x49, 0x40), "F32", out);
    assert.deepEqual([...out], [1, Math.fround(Math.PI)]);
  });
});
