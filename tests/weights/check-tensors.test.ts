import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkTensors } from "../../src/weights/check-tensors.ts";

function withShapes(shapes: Record<string, number[]>) {
  const tensors = new Map(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { dtype: "F32", shape, byteLength: 0, byteOffset: 0 } as const,
    ]),
  );
  return { name: "my-model", tensors };
}

describe("checkTensors", () => {
  const expected = new Map([
    ["norm.weight", [8]],
    ["embed_tokens.weight", [10, 8]],
  ]);

  it("returns what a model does not need", () => {
    const shapes = { "norm.weight": [8], "embed_tokens.weight": [10, 8] };
    assert.deepEqual(checkTensors(withShapes(shapes), expected), []);
    const more = withShapes({ ...shapes, "lm_head.weight": [1] });
    assert.deepEqual(checkTensors(more, expected), ["lm_head.weight"]);
    assert.throws(() => checkTensors(more, expected, { unexpected: "refuse" }), {
      code: "invalid-checkpoint",
      message: /^my-model: .*: 1 unexpected: 'lm_head\.weight'$/,
    });
  });

  it("lists everything that is wrong in one error", () => {
    const wrong = withShapes({ "norm.weight": [4, 2], "model.embed_tokens.weight": [10, 8] });
    assert.throws(() => checkTensors(wrong, expected), {
      code: "invalid-checkpoint",
      message:
        "my-model: its tensors do not fit its config.json (is that from another checkpoint?): 1 missing: 'embed_tokens.weight'; " +
        "1 of another shape: 'norm.weight' is [4, 2], expected [8]; 1 unexpected: 'model.embed_tokens.weight'",
    });
  });

  it("cuts long lists", () => {
    const many = new Map(Array.from({ length: 400 }, (_, i) => [`layers.${i}.weight`, [i]]));
    assert.throws(() => checkTensors(withShapes({}), many), {
      message: /400 missing: .*'layers\.7\.weight' and 392 more$/,
    });
    const all = withShapes(Object.fromEntries(Array.from(many, ([name, [size = 0]]) => [name, [size + 1]])));
    assert.throws(() => checkTensors(all, many), {
      message: /400 of another shape: .* is \[8\], expected \[7\] and 392 more$/,
    });
  });
});
