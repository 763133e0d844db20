import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { EmbeddingModel } from "../../src/index.ts";
import { Tokenizer } from "../../src/tokenizer/index.ts";

describe("EmbeddingModel with ids", () => {
  let model: EmbeddingModel;
  const texts = ["gravity", "The capital of China is Beijing."];
  const ids = (): Uint32Array[] => texts.map((text) => model.tokenizer.encode(text).ids);
  before(async () => {
    model = await EmbeddingModel.load();
  });
  after(() => model.dispose());

  it("gives the vectors that encode gives, with the same options", async () => {
    assert.deepEqual(await model.encodeIds(ids()), await model.encode(texts));
    const options = { dimensions: 8, normalize: false };
    assert.deepEqual(await model.encodeIds(ids(), options), await model.encode(texts, options));
  });

  it("gives every token's final hidden state, of which the last is the vector", async () => {
    const vectors = await model.encodeIds(ids(), { normalize: false });
    const hidden = await model.tokenEmbeddings(ids());
    assert.deepEqual(
      hidden.map(({ shape }) => shape),
      ids().map(({ length }) => [length, 192]),
    );
    for (const [n, { data }] of hidden.entries()) assert.deepEqual(data.slice(-192), vectors[n]);
    const [first = new Uint32Array()] = ids();
    assert.deepEqual(hidden[0], (await model.forward(first)).hidden);
  });

  it("refuses empty sequences, unknown ids and wrong options", async () => {
    const refused = (message: RegExp): object => ({ code: "invalid-argument", message });
    await assert.rejects(model.encodeIds([new Uint32Array()]), refused(/sequence 0 of the batch has no tokens/));
    await assert.rejects(model.tokenEmbeddings([Uint32Array.of(8192)]), refused(/vocabulary ends at 8191/));
    await assert.rejects(model.encodeIds(ids(), { dimensions: 193 }), refused(/dimensions is 193/));
  });

  it("has the name and the tokenizer's file, with which to have them once more", async () => {
    assert.equal(model.name, "qwen3-embedding-tiny");
    const again = await Tokenizer.fromFile(model.tokenizer.file ?? "");
    assert.deepEqual(again.encode("gravity"), model.tokenizer.encode("gravity"));
    assert.equal(Tokenizer.fromJSON(await tokenizerJson(model.tokenizer.file)).file, undefined);
  });
});

async function tokenizerJson(file = ""): Promise<unknown> {
  return JSON.parse(await readFile(file, "utf8"));
}
