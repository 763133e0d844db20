import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bundledEmbedding, Client } from "./support.ts";
import { assertClose } from "./vectors.ts";

const model = await bundledEmbedding();
const client = new Client({ embedding: model });

async function ok(path: string, body: object): Promise<unknown> {
  const answer = await client.post(path, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

async function refused(
  path: string,
  body: unknown,
  status: number,
  error: string | RegExp,
  type: string,
): Promise<void> {
  const answer = await client.post(path, body);
  const { error: message, error_type: kind } = answer.body as { error: string; error_type: string };
  assert.equal(answer.status, status, message);
  assert.equal(kind, type);
  if (typeof error === "string") assert.equal(message, error);
  else assert.match(message, error);
}

describe("POST /embed", () => {
  it("gives a list of vectors, even of one text", async () => {
    const vectors = await model.encode(["gravity", "Newton"]);
    assertClose(await ok("/embed", { inputs: "gravity" }), vectors.slice(0, 1));
    assertClose(await ok("/embed", { inputs: ["gravity", "Newton"] }), vectors);
  });

  it("gives everybody their own vectors when many ask at once, whatever is batched with what", async () => {
    const crowded = new Client({ embedding: model }, { maxBatchTokens: 24 });
    const texts = Array.from({ length: 40 }, (_, i) => "gravity ".repeat(i % 7).concat(`number ${i}`));
    const answers = await Promise.all(texts.map((text) => crowded.post("/embed", { inputs: text })));
    assertClose(
      answers.map(({ body }) => (body as number[][])[0]),
      await model.encode(texts),
    );
  });

  it("takes null for what may be left out", async () => {
    const body = { inputs: "gravity", truncate: null, prompt_name: null, dimensions: null };
    assertClose(await ok("/embed", body), [await model.encode("gravity")]);
  });

  it("cuts to dimensions first and normalises then, or not", async () => {
    const options = { dimensions: 16, normalize: false };
    assertClose(await ok("/embed", { inputs: "gravity", dimensions: 16 }), [
      await model.encode("gravity", { dimensions: 16 }),
    ]);
    assertClose(await ok("/embed", { inputs: "gravity", ...options }), [await model.encode("gravity", options)], 1e-5);
  });

  it("puts a named prompt before the text", async () => {
    const expected = [await model.encode("gravity", { promptName: "query" })];
    assertClose(await ok("/embed", { inputs: "gravity", prompt_name: "query" }), expected);
  });

  it("takes ids, with or without the end token, and mixes them with texts", async () => {
    const ids = [...model.tokenizer.encode("gravity").ids];
    const expected = await model.encode("gravity");
    assertClose(await ok("/embed", { inputs: ids }), [expected]);
    assertClose(await ok("/embed", { inputs: ids.slice(0, -1) }), [expected]);
    assertClose(await ok("/embed", { inputs: [ids, "gravity", ids.slice(0, -1)] }), [expected, expected, expected]);
    const prompted = await model.encode("gravity", { promptName: "query" });
    assertClose(await ok("/embed", { inputs: ids, prompt_name: "query" }), [prompted]);
  });

  it("cuts what is too long at either end, or refuses it", async () => {
    const small = new Client({ embedding: model }, { maxBatchTokens: 6 });
    const text = "one two three four five six seven eight nine ten";
    const count = model.tokenizer.encode(text).ids.length;
    for (const [direction, truncate] of [
      ["Right", "end"],
      ["left", "start"],
    ] as const) {
      const expected = [await model.encode(text, { maxLength: 6, truncate })];
      const cut = await small.post("/embed", { inputs: text, truncation_direction: direction });
      assertClose(cut.body, expected);
      const ids = [...model.tokenizer.encode(text).ids];
      assertClose((await small.post("/embed", { inputs: ids, truncation_direction: direction })).body, expected);
    }
    const whole = await small.post("/embed", { inputs: text, truncate: false });
    assert.equal(whole.status, 422);
    const error = `Input validation error: \`inputs\` must have less than 6 tokens. Given: ${count}`;
    assert.deepEqual(whole.body, { error, error_type: "Validation" });
    const long = await small.post("/embed", { inputs: "x".repeat(1501), truncate: false });
    const characters = "Input validation error: `inputs` must have less than 1500 characters. Given: 1501";
    assert.deepEqual(long.body, { error: characters, error_type: "Validation" });
    assert.equal((await small.post("/embed", { inputs: "x".repeat(1501) })).status, 200);
  });

  it("refuses empty inputs", async () => {
    const empty = "Input validation error: `inputs` cannot be empty";
    await refused("/embed", { inputs: "" }, 400, empty, "Empty");
    await refused("/embed", { inputs: [] }, 400, empty, "Empty");
    await refused("/embed", { inputs: ["gravity", ""] }, 400, empty, "Empty");
  });

  it("refuses more texts than allowed", async () => {
    const inputs = Array.from({ length: 33 }, () => "a");
    await refused("/embed", { inputs }, 422, "batch size 33 > maximum allowed batch size 32", "Validation");
  });

  it("refuses impossible dimensions, prompts and ids before it computes anything", async () => {
    const positive = "Input validation error: `dimensions` should be positive";
    const smaller = "Input validation error: `dimensions` should be smaller than the maximum embedding dimension.";
    await refused("/embed", { inputs: "a", dimensions: 0 }, 422, positive, "Validation");
    await refused("/embed", { inputs: "a", dimensions: 193 }, 422, smaller, "Validation");
    const prompt =
      'Input validation error: `default-prompt-name` is set to `x` but it was not found in the Sentence Transformers prompts. Available prompts: ["query", "document"]';
    await refused("/embed", { inputs: "a", prompt_name: "x" }, 422, prompt, "Validation");
    await refused(
      "/embed",
      { inputs: [8192] },
      422,
      /token id 8192; the model's vocabulary ends at 8191/,
      "Validation",
    );
  });

  it("says where a body of the wrong shape is wrong", async () => {
    const wrong: [unknown, RegExp][] = [
      [{}, /inputs: expected a string, a list of token ids, or a list of either/],
      [{ inputs: 3 }, /inputs: expected a string/],
      [{ inputs: ["a", { b: 1 }] }, /inputs: expected a string/],
      [{ inputs: [-1] }, /inputs: expected a string/],
      [{ inputs: "a", normalize: "yes" }, /normalize: .*expected boolean/],
      [{ inputs: "a", dimensions: 1.5 }, /dimensions: /],
      [{ inputs: "a", truncation_direction: "up" }, /truncation_direction: /],
      [[], /Failed to deserialize the JSON body into the target type/],
      ["gravity", /Failed to deserialize the JSON body/],
    ];
    for (const [body, message] of wrong) await refused("/embed", body, 422, message, "Validation");
  });

  it("tells in its headers what a request took", async () => {
    const { headers } = await client.post("/embed", { inputs: ["gravity", "héllo 🌍"] });
    assert.equal(headers.get("x-compute-type"), "cpu+optimized");
    assert.equal(headers.get("x-compute-characters"), "14");
    const tokens = ["gravity", "héllo 🌍"].map((text) => model.tokenizer.encode(text).ids.length);
    assert.equal(headers.get("x-compute-tokens"), String((tokens[0] ?? 0) + (tokens[1] ?? 0)));
    for (const name of ["compute", "total", "tokenization", "queue", "inference"])
      assert.match(headers.get(`x-${name}-time`) ?? "", /^\d+$/);
  });
});

describe("POST /embed_all", () => {
  it("gives every token's vector, whatever the neighbours", async () => {
    const texts = ["gravity", "The capital of China is Beijing."];
    const body = (await ok("/embed_all", { inputs: texts })) as number[][][];
    for (const [n, text] of texts.entries()) {
      const { ids } = model.tokenizer.encode(text);
      const { hidden } = await model.forward(ids);
      const rows = Array.from(ids, (_, i) => hidden.data.subarray(i * 192, (i + 1) * 192));
      assertClose(body[n], rows, 1e-4);
    }
    const [alone] = (await ok("/embed_all", { inputs: "gravity" })) as number[][][];
    assert.deepEqual(alone, body[0]);
  });

  it("refuses what /embed refuses", async () => {
    await refused("/embed_all", { inputs: "" }, 400, /cannot be empty/, "Empty");
    await refused("/embed_all", { inputs: "a", prompt_name: "x" }, 422, /prompts: \["query"/, "Validation");
  });
});

describe("POST /embed_sparse", () => {
  it("is for other models", async () => {
    const message = "Backend error: Model is not an embedding model with SPLADE pooling";
    await refused("/embed_sparse", { inputs: "a" }, 424, message, "Backend");
  });
});

describe("POST /similarity", () => {
  it("gives the cosine with each sentence, the prompt on all of them", async () => {
    const inputs = { source_sentence: "gravity", sentences: ["Newton", "gravity"] };
    for (const options of [{}, { promptName: "query" }]) {
      const [a = new Float32Array(), ...others] = await model.encode(["gravity", "Newton", "gravity"], options);
      const expected = model.similarity([a], others);
      const parameters = "promptName" in options ? { prompt_name: "query" } : null;
      assertClose([await ok("/similarity", { inputs, parameters })], expected);
    }
  });

  it("refuses no sentences, and too many with the source", async () => {
    const inputs = { source_sentence: "a", sentences: [] as string[] };
    await refused("/similarity", { inputs }, 400, "`inputs.sentences` cannot be empty", "Empty");
    inputs.sentences = Array.from({ length: 32 }, () => "b");
    await refused("/similarity", { inputs }, 422, "batch size 33 > maximum allowed batch size 32", "Validation");
  });
});

describe("POST / and /invocations", () => {
  it("embed", async () => {
    const expected = [await model.encode("gravity")];
    assertClose(await ok("/", { inputs: "gravity" }), expected);
    assertClose(await ok("/invocations", { inputs: "gravity" }), expected);
    await refused("/", { query: "a", texts: ["b"] }, 422, /inputs: expected a string/, "Validation");
  });
});

describe("POST /vertex", () => {
  it("answers every instance", async () => {
    const expected = await model.encode(["gravity", "Newton"]);
    const instances = [{ inputs: "gravity" }, { inputs: ["gravity", "Newton"] }];
    const { predictions } = (await ok("/vertex", { instances })) as { predictions: unknown[] };
    assertClose(predictions[0], expected.slice(0, 1));
    assertClose(predictions[1], expected);
  });

  it("fails as a whole if one of them does", async () => {
    const reranking = { instances: [{ inputs: "a" }, { query: "a", texts: ["b"] }] };
    await refused("/vertex", reranking, 424, "Backend error: model is not a re-ranker model", "Backend");
    await refused("/vertex", { instances: [{ inputs: 1 }] }, 422, /inputs: expected/, "Validation");
    await refused("/vertex", { instances: [] }, 400, "`instances` cannot be empty", "Empty");
  });
});

describe("what only a reranker does", () => {
  it("is refused in TEI's words", async () => {
    const message = "Backend error: model is not a re-ranker model";
    await refused("/rerank", { query: "a", texts: ["b"] }, 424, message, "Backend");
    await refused("/predict", { inputs: ["a", "b"] }, 424, message, "Backend");
  });
});
