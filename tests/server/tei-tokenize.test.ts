import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bundledEmbedding, Client } from "./support.ts";

interface Token {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
  readonly start: number | null;
  readonly stop: number | null;
}

const model = await bundledEmbedding();
const client = new Client({ embedding: model });

async function tokens(body: object): Promise<Token[][]> {
  const answer = await client.post("/tokenize", body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body as Token[][];
}

describe("POST /tokenize", () => {
  it("gives the ids of the model's tokenizer, one list per text", async () => {
    const texts = ["gravity", "What is it?"];
    const lists = await tokens({ inputs: texts });
    for (const [n, text] of texts.entries())
      assert.deepEqual(
        lists[n]?.map(({ id }) => id),
        [...model.tokenizer.encode(text).ids],
      );
    assert.deepEqual(await tokens({ inputs: "gravity" }), lists.slice(0, 1));
  });

  it("marks the end token, which is not in the text", async () => {
    const [list = []] = await tokens({ inputs: "gravity" });
    assert.deepEqual(list.at(-1), { id: 8166, text: "<|endoftext|>", special: true, start: null, stop: null });
    const [without = []] = await tokens({ inputs: "gravity", add_special_tokens: false });
    assert.deepEqual(without, list.slice(0, -1));
  });

  it("counts offsets in bytes of UTF-8, prompt included", async () => {
    const text = "héllo 🌍 world";
    const bytes = Buffer.from(text);
    const [list = []] = await tokens({ inputs: text, add_special_tokens: false });
    for (const { text: part, start, stop } of list)
      assert.equal(bytes.subarray(start ?? 0, stop ?? 0).toString(), part);
    assert.equal(list.at(-1)?.stop, bytes.length);
    const prompt = model.prompts.get("query") ?? "";
    const [prompted = []] = await tokens({ inputs: text, add_special_tokens: false, prompt_name: "query" });
    assert.equal(prompted.at(-1)?.stop, Buffer.byteLength(prompt + text));
  });

  it("refuses empty texts, empty lists and long lists", async () => {
    const error = async (inputs: unknown): Promise<[number, unknown]> => {
      const { status, body } = await client.post("/tokenize", { inputs });
      return [status, body];
    };
    const empty = { error: "Input validation error: `inputs` cannot be empty", error_type: "Empty" };
    assert.deepEqual(await error(""), [400, empty]);
    assert.deepEqual(await error([]), [400, { error: "`inputs` cannot be empty", error_type: "Empty" }]);
    const many = { error: "batch size 33 > maximum allowed batch size 32", error_type: "Validation" };
    assert.deepEqual(await error(Array.from({ length: 33 }, () => "a")), [422, many]);
    assert.equal((await error([1]))[0], 422);
  });
});

describe("POST /decode", () => {
  it("gives texts back, with or without special tokens", async () => {
    const ids = [...model.tokenizer.encode("What is gravity?").ids];
    assert.deepEqual((await client.post("/decode", { ids })).body, ["What is gravity?"]);
    const whole = await client.post("/decode", { ids: [ids, ids], skip_special_tokens: false });
    assert.deepEqual(whole.body, ["What is gravity?<|endoftext|>", "What is gravity?<|endoftext|>"]);
  });

  it("refuses no ids", async () => {
    const { status, body } = await client.post("/decode", { ids: [[]] });
    assert.equal(status, 400);
    assert.deepEqual(body, { error: "Input validation error: `input_ids` cannot be empty", error_type: "Empty" });
    assert.equal((await client.post("/decode", { ids: [] })).status, 400);
    assert.equal((await client.post("/decode", { ids: "a" })).status, 422);
  });
});

describe("long texts", () => {
  it("are tokenised elsewhere, with the same ids, while the event loop goes on", async () => {
    const long = new Client({ embedding: model }, { payloadLimit: 4_000_000 });
    const text = "Gravity pulls. ".repeat(20_000);
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const inputs = [text, "short"];
    const { body } = await long.post("/tokenize", { inputs, add_special_tokens: false });
    clearInterval(counting);
    const [first = [], second = []] = body as Token[][];
    assert.equal(first.length, model.tokenizer.encode(text, { addSpecialTokens: false }).ids.length);
    assert.deepEqual(
      second.map(({ id }) => id),
      [...model.tokenizer.encode("short", { addSpecialTokens: false }).ids],
    );
    assert.ok(turns > 0, "no timer ran meanwhile");
  });
});
