import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CausalModel, EmbeddingModel, type GenerateOptions, type Prompt } from "../../src/index.ts";
import { bundledFolder } from "../../src/weights/bundled.ts";
import { fixture } from "../support/fixtures.ts";
import { collect } from "../support/generation.ts";
import { writeCheckpoint } from "../support/write-checkpoint.ts";

/** The bundled reranker is a causal model, too: its words make no sense, but they are words. */
const SOURCE = bundledFolder("qwen3-reranker-tiny");
const on = { device: "reference" } as const;
const PROMPT = "The capital of China is";
const greedy: GenerateOptions = { temperature: 0, ignoreEos: true };

describe("CausalModel.generate", () => {
  let model: CausalModel;
  before(async () => {
    model = await CausalModel.load(SOURCE, on);
  });
  after(() => model.dispose());

  it("streams the text of its ids", async () => {
    const tokens = await collect(model, PROMPT, { ...greedy, maxNewTokens: 12 });
    const ids = tokens.map(({ id }) => id);
    assert.equal(tokens.map(({ text }) => text).join(""), model.tokenizer.decode(ids, { skipSpecialTokens: true }));
    assert.deepEqual(tokens.map(({ finishReason }) => finishReason), [...Array<undefined>(11).fill(undefined), "length"]); // oxfmt-ignore
    assert.ok(tokens.every(({ logprob, index }) => logprob < 0 && index === 0));
    const fromIds = await collect(model, model.tokenizer.encode(PROMPT).ids, { ...greedy, maxNewTokens: 12 });
    assert.deepEqual(fromIds, tokens);
  });

  it("never splits a character", async () => {
    const prompt = model.tokenizer.encode("北京 é 👩‍👩‍👧", { addSpecialTokens: false }).ids;
    let pieces = 0;
    for (let seed = 0; seed < 6; seed++) {
      const tokens = await collect(model, prompt, { temperature: 4, seed, maxNewTokens: 24, ignoreEos: true });
      const whole = model.tokenizer.decode(tokens.map(({ id }) => id), { skipSpecialTokens: true }); // oxfmt-ignore
      assert.equal(tokens.map(({ text }) => text).join(""), whole);
      pieces += tokens.filter(({ text }) => text === "").length;
    }
    assert.ok(pieces > 0, "some token ended within a character");
  });

  it("repeats a sampled text with its seed, and only with that", async () => {
    const options = { temperature: 1.5, topK: 40, maxNewTokens: 10, ignoreEos: true };
    const ids = async (seed?: number): Promise<number[]> =>
      (await collect(model, PROMPT, { ...options, seed })).map(({ id }) => id);
    const first = await ids(1);
    assert.deepEqual(await ids(1), first);
    assert.notDeepEqual(await ids(2), first);
    assert.notDeepEqual(await ids(), await ids());
  });

  it("ends before a stop string", async () => {
    const all = await collect(model, PROMPT, { ...greedy, maxNewTokens: 12 });
    const text = all.map((token) => token.text).join("");
    const stop = text.slice(9, 13);
    const tokens = await collect(model, PROMPT, { ...greedy, maxNewTokens: 12, stop });
    assert.equal(tokens.map((token) => token.text).join(""), text.slice(0, text.indexOf(stop)));
    assert.equal(tokens.at(-1)?.finishReason, "stop");
    const never = await collect(model, PROMPT, { ...greedy, maxNewTokens: 12, stop: ["\u0000", `${text}…`] });
    assert.equal(never.map((token) => token.text).join(""), text, "what was held back comes at the end");
  });

  it("repeats nothing under a strong enough penalty", async () => {
    const plain = await collect(model, PROMPT, { ...greedy, maxNewTokens: 16 });
    assert.ok(new Set(plain.map(({ id }) => id)).size < 16, "without it, something is repeated");
    const tokens = await collect(model, PROMPT, { ...greedy, maxNewTokens: 16, repetitionPenalty: 1e9 });
    const seen = [...model.tokenizer.encode(PROMPT).ids, ...tokens.map(({ id }) => id)];
    assert.equal(new Set(seen).size, seen.length);
  });

  it("stops between tokens when aborted, or when the loop is left, and frees its cache", async () => {
    const controller = new AbortController();
    const tokens = model.generate(PROMPT, { ...greedy, signal: controller.signal });
    const endless = async (): Promise<void> => {
      let count = 0;
      for await (const _ of tokens) if (++count === 3) controller.abort(new Error("enough"));
    };
    await assert.rejects(endless(), /enough/);
    assert.equal(model.memory.cache, 0);
    for await (const _ of model.generate(PROMPT, greedy)) {
      assert.ok(model.memory.cache > 0);
      break;
    }
    assert.equal(model.memory.cache, 0);
    const aborted = model.generate(PROMPT, { signal: AbortSignal.abort() });
    await assert.rejects(aborted.next(), { name: "AbortError" });
  });

  it("generates nothing for no prompts", async () => {
    assert.deepEqual(await model.generateBatch([]).next(), { done: true, value: undefined });
  });

  const wrong: readonly [string, Prompt, GenerateOptions, RegExp][] = [
    ["maxNewTokens 0", "a", { maxNewTokens: 0 }, /maxNewTokens is 0; expected a whole number of at least 1/],
    ["a negative temperature", "a", { temperature: -1 }, /temperature is -1; expected a number of at least 0/],
    ["topP above 1", "a", { topP: 1.1 }, /topP is 1\.1; expected a number from 0 to 1/],
    ["minP that is none", "a", { minP: Number.NaN }, /minP is NaN; expected a number from 0 to 1/],
    ["topK −1", "a", { topK: -1 }, /topK is -1; expected a whole number/],
    ["a penalty of 0", "a", { repetitionPenalty: 0 }, /repetitionPenalty is 0; expected a number above 0/],
    ["an empty stop string", "a", { stop: ["x", ""] }, /stop\[1\] is ""; expected at least one character/],
    ["a fractional seed", "a", { seed: 0.5 }, /seed is 0\.5; expected a whole number/],
    ["an empty prompt", "", {}, /the prompt has no tokens; it needs at least one/],
    ["a prompt that is none", 7 as unknown as string, {}, /prompt is 7; expected a string, a Uint32Array/],
    ["a strange id", Uint32Array.of(8192), {}, /token id 8192 at row 0; the model's vocabulary ends at 8191/],
  ];
  for (const [what, prompt, options, message] of wrong) {
    it(`refuses ${what}`, () =>
      assert.rejects(model.generate(prompt, options).next(), { code: "invalid-argument", message }));
  }
});

describe("CausalModel of other checkpoints", () => {
  it("ends at the ids that generation_config.json names, else config.json", async () => {
    await using original = await CausalModel.load(SOURCE, on);
    const sampled = { temperature: 3, topK: 64, seed: 5, maxNewTokens: 6 };
    const ids = (await collect(original, PROMPT, { ...sampled, ignoreEos: true })).map(({ id }) => id);
    const third = ids.findIndex((id, i) => i >= 2 && ids.indexOf(id) === i);
    await using folder = await writeCheckpoint(SOURCE, { config: { eos_token_id: ids[third] }, tensors: {} });
    const texts = async (options: GenerateOptions): Promise<(string | undefined)[]> => {
      await using model = await CausalModel.load(folder.path, on);
      return (await collect(model, PROMPT, { ...sampled, ...options })).map((token) => token.finishReason);
    };
    assert.deepEqual(await texts({}), [...Array<undefined>(third).fill(undefined), "eos"]);
    assert.equal((await texts({ ignoreEos: true })).length, 6);
    await writeFile(join(folder.path, "generation_config.json"), JSON.stringify({ eos_token_id: [1, ids[0]] }));
    assert.deepEqual(await texts({}), ["eos"]);
  });

  it("samples as generation_config.json says", async () => {
    await using folder = await writeCheckpoint(SOURCE, { config: {}, tensors: {} });
    const config = { do_sample: true, temperature: 3, top_k: 50, top_p: 0.95 };
    await writeFile(join(folder.path, "generation_config.json"), JSON.stringify(config));
    await using model = await CausalModel.load(folder.path, on);
    const options = { maxNewTokens: 8, ignoreEos: true, seed: 3 };
    const sampled = await collect(model, PROMPT, options);
    const asked = { ...options, temperature: 3, topK: 50, topP: 0.95 };
    assert.deepEqual(await collect(model, PROMPT, asked), sampled);
    assert.notDeepEqual(await collect(model, PROMPT, { ...options, temperature: 0 }), sampled);
  });

  it("fills the context and says when there is no room", async () => {
    await using folder = await writeCheckpoint(SOURCE, { config: { max_position_embeddings: 8 }, tensors: {} });
    await using model = await CausalModel.load(folder.path, on);
    const tokens = await collect(model, Uint32Array.of(1, 2, 3, 4, 5), greedy);
    assert.equal(tokens.length, 3);
    assert.equal(tokens.at(-1)?.finishReason, "length");
    await assert.rejects(collect(model, Uint32Array.of(1, 2, 3, 4, 5), { maxNewTokens: 4 }), {
      code: "too-large",
      message: "the prompt has 5 tokens and maxNewTokens is 4; the model's context holds 8",
    });
    await assert.rejects(collect(model, new Uint32Array(8), {}), { code: "too-large" });
  });

  it("takes messages where there is a template", async () => {
    await using folder = await writeCheckpoint(SOURCE, { config: {}, tensors: {} });
    const template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";
    await writeFile(join(folder.path, "chat_template.jinja"), template);
    await using model = await CausalModel.load(folder.path, on);
    assert.equal(model.hasChatTemplate, true);
    const messages = [{ role: "user", content: "river" }];
    const text = await model.applyChatTemplate(messages);
    assert.equal(text, "<|im_start|>user\nriver<|im_end|>\n");
    const options = { ...greedy, maxNewTokens: 3 };
    assert.deepEqual(await collect(model, messages, options), await collect(model, text, options));
  });

  it("does without a tokenizer, for ids", async () => {
    await using model = await CausalModel.load(fixture("goldens/models/mini-embed"), on);
    const tokens = await collect(model, Uint32Array.of(1, 2), { ...greedy, maxNewTokens: 2 });
    assert.deepEqual(tokens.map(({ text }) => text), ["", ""]); // oxfmt-ignore
    for (const options of [{ stop: "x" }, {}]) {
      const generating = model.generate(options.stop === undefined ? "text" : Uint32Array.of(1), options);
      await assert.rejects(generating.next(), { code: "not-found", message: /no tokenizer\.json/ });
    }
  });

  it("keeps a tied table once", async () => {
    for (const device of ["reference", "wasm"] as const) {
      await using causal = await CausalModel.load(SOURCE, { device });
      await using embedding = await EmbeddingModel.load(SOURCE, { device });
      assert.equal(causal.memory.weights, embedding.memory.weights, device);
    }
  });
});
