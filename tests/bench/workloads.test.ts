import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { buildWorkloads, WORKLOAD_NAMES } from "../../bench/workloads.ts";
import { Tokenizer } from "../../src/tokenizer/index.ts";

const model = fileURLToPath(new URL("../../../src/weights/bundled/qwen3-embedding-tiny/", import.meta.url));

describe("workloads", async () => {
  const tokenizer = await Tokenizer.fromFile(join(model, "tokenizer.json"));
  const count = (text: string): number => tokenizer.encode(text).ids.length;
  const workloads = buildWorkloads(WORKLOAD_NAMES, count);

  it("have texts of exactly the lengths they say", () => {
    for (const { name, variants, lengths, tokens } of workloads) {
      for (const texts of variants) assert.deepEqual(texts.map(count), lengths, name);
      assert.equal(
        tokens,
        lengths.reduce((sum, length) => sum + length, 0),
      );
    }
  });

  it("are the same every time", () => {
    assert.deepEqual(buildWorkloads(WORKLOAD_NAMES, count), workloads);
  });

  it("do not repeat a text, which a runtime could compute once", () => {
    for (const { name, variants } of workloads) {
      const texts = variants.flat();
      assert.equal(new Set(texts).size, texts.length, name);
    }
  });

  it("name what there is when asked for something else", () => {
    assert.throws(() => buildWorkloads(["W9"], count), /'W9': expected W1, W2, W2s, W3, W4/);
  });
});
