import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareBackends } from "../../src/index.ts";
import { rmsNorm } from "../../src/kernels/reference/rms-norm.ts";

describe("compareBackends", () => {
  it("finds equal backends equal at every module", async () => {
    const [agreement, ...rest] = await compareBackends(undefined, ["gravity", ""], ["reference", "reference"]);
    assert.deepEqual(rest, []);
    assert.equal(agreement?.firstDivergence, undefined);
    const paths = agreement?.modules.map(({ path }) => path);
    assert.deepEqual(paths, ["embed_tokens", "layers.0", "layers.1", "layers.2", "layers.3", "norm"]);
    assert.ok(agreement?.modules.every(({ maxAbsError }) => maxAbsError === 0));
  });

  it("finds the module where a wrong kernel parts from the reference", async () => {
    const wrong: typeof rmsNorm = (x, norm) => {
      const isThirdLayer = norm.name.startsWith("layers.2.input_layernorm");
      return rmsNorm(x, isThirdLayer ? { ...norm, eps: 1 } : norm);
    };
    const backends = ["reference", { kind: "reference", kernels: { rmsNorm: wrong } }] as const;
    const [agreement] = await compareBackends(undefined, ["gravity"], backends);
    assert.equal(agreement?.firstDivergence, "layers.2");
    assert.ok((agreement?.modules.at(-1)?.minCosine ?? 1) < 1);
  });

  it("says what it needs", async () => {
    await assert.rejects(compareBackends(undefined, ["x"], ["reference"]), /got 1 backends; expected at least two/);
    await assert.rejects(
      compareBackends(undefined, [], ["reference", "reference"]),
      /got no texts; expected at least one/,
    );
  });
});
