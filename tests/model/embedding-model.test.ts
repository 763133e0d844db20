import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { EmbeddingModel, type Progress, Qwen3Error } from "../../src/index.ts";
import { fixture } from "../support/fixtures.ts";

const invalid = (message: RegExp): object => ({ name: "Qwen3Error", code: "invalid-argument", message });

describe("EmbeddingModel.encode", () => {
  let model: EmbeddingModel;
  before(async () => {
    model = await EmbeddingModel.load();
  });
  after(() => model.dispose());

  it("gives one vector for a string and a list for a list", async () => {
    const one = await model.encode("What is gravity?");
    const [listed] = await model.encode(["What is gravity?"]);
    assert.ok(one instanceof Float32Array);
    assert.equal(one.length, 192);
    assert.deepEqual(one, listed);
    assert.ok(Math.abs(Math.hypot(...one) - 1) < 1e-6);
    assert.deepEqual(await model.encode([]), []);
  });

  it("gives a text the same vector alone, in any batch, in any order, at any batch size", async () => {
    const texts = [
      "gravity",
      "The capital of China is Beijing.",
      "",
      "a",
      "import os",
      "one two three four five six seven",
    ];
    const alone = await Promise.all(texts.map((text) => model.encode(text)));
    assert.deepEqual(await model.encode(texts), alone);
    assert.deepEqual(await model.encode(texts.toReversed()), alone.toReversed());
    assert.deepEqual(await model.encode(texts, { maxBatchTokens: 1 }), alone);
    assert.deepEqual(await model.encode([...texts, ...texts]), [...alone, ...alone]);
  });

  it("embeds the empty string and white space", async () => {
    const vectors = await model.encode(["", " ", "\n\t"]);
    for (const vector of vectors) assert.ok(vector.every(Number.isFinite));
    assert.notDeepEqual(vectors[0], vectors[1]);
  });

  it("returns 10,000 texts in the caller's order", async () => {
    const different = Array.from({ length: 40 }, (_, i) => `number ${i}`);
    const vectors = await model.encode(Array.from({ length: 10_000 }, (_, i) => different[(i * 7) % 40] ?? ""));
    const expected = await model.encode(different);
    assert.equal(vectors.length, 10_000);
    for (const [i, vector] of vectors.entries()) assert.deepEqual(vector, expected[(i * 7) % 40]);
  });

  it("cuts a text far beyond the limit", async () => {
    const words = "gravity ".repeat(50_000);
    const limit = 12;
    assert.deepEqual(
      await model.encode(words, { maxLength: limit }),
      await model.encode("gravity ".repeat(11).trimEnd(), { maxLength: limit }),
    );
  });

  it("owns its vectors: changing one changes no other", async () => {
    const [a, b] = await model.encode(["same", "same"]);
    a?.fill(0);
    assert.ok(b?.some((value) => value !== 0));
  });

  it("cuts to dimensions before normalising", async () => {
    const whole = await model.encode("gravity");
    const cut = await model.encode("gravity", { dimensions: 64 });
    const norm = Math.hypot(...whole.subarray(0, 64));
    assert.equal(cut.length, 64);
    for (const [i, value] of cut.entries()) assert.ok(Math.abs(value - (whole[i] ?? 0) / norm) < 1e-6);
    const raw = await model.encode("gravity", { dimensions: 64, normalize: false });
    assert.ok(Math.abs(Math.hypot(...raw) - 1) > 1e-3);
  });

  it("takes a named prompt, a verbatim one, or an instruction", async () => {
    const task = "Given a web search query, retrieve relevant passages that answer the query";
    const named = await model.encode("gravity", { promptName: "query" });
    assert.deepEqual(await model.encode("gravity", { instruction: task }), named);
    assert.deepEqual(await model.encode("gravity", { prompt: `Instruct: ${task}\nQuery:` }), named);
    assert.deepEqual(await model.encode(`Instruct: ${task}\nQuery:gravity`), named);
    assert.deepEqual(await model.encodeQuery("gravity"), named);
    assert.deepEqual(await model.encodeDocument("gravity"), await model.encode("gravity"));
    assert.deepEqual(await model.encodeQuery("gravity", { prompt: "" }), await model.encode("gravity"));
  });

  it("truncates at either end and keeps the end token", async () => {
    const text = "one two three four five six";
    const ids = model.tokenizer.encode(text).ids;
    assert.deepEqual(await model.encode(text, { maxLength: ids.length }), await model.encode(text));
    const maxLength = 4;
    const start = model.tokenizer.decode(ids.slice(0, maxLength - 1));
    const end = model.tokenizer.decode(ids.slice(-maxLength, -1));
    assert.deepEqual(await model.encode(text, { maxLength }), await model.encode(start));
    assert.deepEqual(await model.encode(text, { maxLength, truncate: "start" }), await model.encode(end));
    assert.deepEqual(await model.encode(text, { maxLength: 1 }), await model.encode(""));
    await assert.rejects(model.encode(["ok", text], { maxLength, truncate: false }), {
      code: "too-large",
      message: /texts\[1\] has \d+ tokens and maxLength is 4; shorten it, or let truncate be/,
    });
  });

  const wrongOptions: readonly [string, object, RegExp][] = [
    ["dimensions 0", { dimensions: 0 }, /dimensions is 0; expected a whole number from 1 to 192/],
    ["dimensions beyond the model's", { dimensions: 193 }, /dimensions is 193; expected a whole number from 1 to 192/],
    ["fractional dimensions", { dimensions: 1.5 }, /dimensions is 1\.5/],
    ["maxLength beyond the model's", { maxLength: 2049 }, /maxLength is 2049; expected a whole number from 1 to 2048/],
    ["maxBatchTokens 0", { maxBatchTokens: 0 }, /maxBatchTokens is 0; expected a whole number of at least 1/],
    ["an unknown truncate", { truncate: "middle" }, /truncate is "middle"; expected "end", "start" or false/],
    [
      "an unknown precision",
      { precision: "int4" },
      /precision "int4"; expected one of float32, int8, uint8, binary, ubinary/,
    ],
    ["normalize as text", { normalize: "no" }, /normalize is "no"; expected true or false/],
    [
      "an unknown prompt name",
      { promptName: "passage" },
      /no prompt named 'passage' in this checkpoint; it has query, document/,
    ],
    ["two kinds of prompt", { prompt: "a", instruction: "b" }, /prompt and instruction are given together/],
    ["a prompt that is no text", { prompt: 3 }, /prompt is a number; expected a string/],
  ];
  for (const [what, options, message] of wrongOptions) {
    it(`refuses ${what}`, () => assert.rejects(model.encode(["x", "y"], options), invalid(message)));
  }

  it("refuses 8 bits for a single text without ranges, before computing anything", async () => {
    let batches = 0;
    const promise = model.encode("x", { precision: "int8", onProgress: () => batches++ });
    await assert.rejects(promise, invalid(/int8 ranges cannot come from a single embedding/));
    assert.equal(batches, 0);
  });

  it("refuses what is no text, by its place", async () => {
    const encode = model.encode.bind(model) as (texts: unknown) => Promise<unknown>;
    await assert.rejects(encode(["a", 3]), invalid(/texts\[1\] is a number; expected a string/));
    await assert.rejects(encode([null]), invalid(/texts\[0\] is null; expected a string/));
    await assert.rejects(encode({ text: "a" }), invalid(/texts is an object; expected a string or a list of strings/));
    await assert.rejects(encode(undefined), invalid(/texts is undefined; expected/));
  });

  it("reports progress up to the total", async () => {
    const steps: Progress[] = [];
    const texts = ["a", "b", "c", "a"];
    await model.encode(texts, { maxBatchTokens: 2, onProgress: (progress) => steps.push(progress) });
    assert.deepEqual(steps.at(-1), { stage: "encode", completed: 4, total: 4, unit: "texts" });
    assert.ok(steps.length > 1);
    assert.ok(steps.every(({ completed }, i) => completed > (steps[i - 1]?.completed ?? 0)));
  });

  it("stops between batches when aborted, with the signal's reason", async () => {
    const controller = new AbortController();
    let batches = 0;
    const promise = model.encode(["a", "b", "c", "d"], {
      maxBatchTokens: 2,
      signal: controller.signal,
      onProgress: () => {
        if (++batches === 2) controller.abort(new Error("enough"));
      },
    });
    await assert.rejects(promise, /enough/);
    assert.equal(batches, 2);
    await assert.rejects(model.encode("x", { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.equal((await model.encode("still works")).length, 192);
  });

  it("compares by the checkpoint's similarity function", async () => {
    const [a = new Float32Array(), b = new Float32Array()] = await model.encode(["dog", "puppy"]);
    const [[same = 0, other = 0] = []] = model.similarity([a], [a, b]);
    assert.ok(Math.abs(same - 1) < 1e-6);
    assert.ok(other > 0 && other < 1);
  });
});

describe("EmbeddingModel's life", () => {
  it("can be disposed twice, and is of no use afterwards", async () => {
    const model = await EmbeddingModel.load();
    assert.ok(model.memory.weights > 6e6);
    await model.dispose();
    await model.dispose();
    await assert.rejects(model.encode("x"), { name: "Qwen3Error", code: "disposed" });
    await assert.rejects(model.forward([1]), { name: "Qwen3Error", code: "disposed" });
  });

  it("reports loading", async () => {
    const steps: Progress[] = [];
    await using model = await EmbeddingModel.load(undefined, { onProgress: (progress) => steps.push(progress) });
    assert.equal(model.dimensions, 192);
    const last = steps.at(-1);
    assert.equal(last?.stage, "load");
    assert.equal(last?.completed, last?.total);
  });

  it("can be aborted while loading", async () => {
    const controller = new AbortController();
    const loading = EmbeddingModel.load(undefined, { signal: controller.signal, onProgress: () => controller.abort() });
    await assert.rejects(loading, { name: "AbortError" });
  });

  it("loads a folder without tokenizer files, for forward only", async () => {
    await using model = await EmbeddingModel.load(fixture("goldens/models/mini-embed"));
    const { hidden } = await model.forward([1, 2, 3]);
    assert.deepEqual(hidden.shape, [3, 64]);
    await assert.rejects(model.encode("x"), { name: "Qwen3Error", code: "not-found", message: /no tokenizer\.json/ });
  });

  it("keeps weights as asked", async () => {
    await using stored = await EmbeddingModel.load();
    await using wide = await EmbeddingModel.load(undefined, { dtype: "f32" });
    assert.ok(wide.memory.weights > 1.9 * stored.memory.weights);
    assert.deepEqual(await wide.encode("gravity"), await stored.encode("gravity"));
  });

  it("says what a device may be", async () => {
    const load = (source: undefined, options: object): Promise<unknown> => EmbeddingModel.load(source, options);
    await assert.rejects(
      load(undefined, { device: "cuda" }),
      invalid(/device "cuda"; expected "auto", "webgpu", "wasm" or "reference"/),
    );
    for (const device of ["reference", "webgpu"]) {
      const refused = load(undefined, { device, dtype: "int8" });
      await assert.rejects(refused, { code: "unsupported", message: /dtype "int8" is for device "wasm", got / });
    }
    await assert.rejects(load(undefined, { dtype: "fp8" }), invalid(/dtype "fp8"; expected/));
  });
});

describe("forward", () => {
  let model: EmbeddingModel;
  before(async () => {
    model = await EmbeddingModel.load(fixture("goldens/models/mini-embed"));
  });
  after(() => model.dispose());

  it("names the nearest paths for a wrong one", async () => {
    const wrong = model.forward([1, 2], { capture: ["layers.0.self_attn.q_nrm"] });
    await assert.rejects(wrong, {
      code: "not-found",
      message: /no module 'layers\.0\.self_attn\.q_nrm'.*nearest are layers\.0\.self_attn\.q_norm/,
    });
    await assert.rejects(model.forward([1], { capture: ["layers.3"] }), /no module 'layers\.3' in a model of 3 layers/);
  });

  it("takes paths with model. in front", async () => {
    const { captured } = await model.forward([1, 2], { capture: ["model.layers.1", "model.norm", "embed_tokens"] });
    assert.deepEqual([...captured.keys()].toSorted(), ["embed_tokens", "model.layers.1", "model.norm"]);
  });

  it("gives logits of the last token or of all", async () => {
    const last = await model.forward([1, 2, 3], { logits: "last" });
    const all = await model.forward([1, 2, 3], { logits: "all" });
    assert.deepEqual(last.logits?.shape, [1, 600]);
    assert.deepEqual(all.logits?.shape, [3, 600]);
    assert.deepEqual(all.logits?.data.slice(-600), last.logits?.data);
  });

  it("refuses ids that are none", async () => {
    await assert.rejects(model.forward([]), /sequence 0 of the batch has no tokens/);
    await assert.rejects(model.forward([1, 600]), /token id 600 at row 1; the model's vocabulary ends at 599/);
    await assert.rejects(model.forward([1, -1]), /ids\[1\] is -1; expected a token id/);
    assert.ok(Qwen3Error);
  });
});
