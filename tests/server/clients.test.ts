/** The clients that people have, unchanged, against the running server with the bundled models. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { InferenceClient } from "@huggingface/inference";
import { HuggingFaceInferenceEmbeddings } from "@langchain/community/embeddings/hf";
import { OpenAIEmbeddings } from "@langchain/openai";
import { CohereClient, CohereClientV2 } from "cohere-ai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { bundledModels, startServer } from "./running-server.ts";
import { assertClose } from "./vectors.ts";

const TEXTS = ["What is gravity?", "The capital of China is Beijing."];
const QUERY = "What is the capital of China?";
const DOCUMENTS = ["Gravity attracts.", "The capital of China is Beijing.", "Paris is the capital of France."];

const models = await bundledModels();
const { url } = await startServer(models, { apiKey: "secret", servedModelName: "tiny" });
const open = await startServer(models);
const expected = await models.embedding.encode(TEXTS);
const ranked = await models.reranker.rank(QUERY, DOCUMENTS);

describe("openai", () => {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "secret", maxRetries: 0 });

  for (const format of [undefined, "float", "base64"] as const) {
    it(`reads vectors (encoding_format ${format ?? "left to the client, which asks for base64"})`, async () => {
      const encoding = format && { encoding_format: format };
      const { data, usage, model } = await client.embeddings.create({ model: "tiny", input: TEXTS, ...encoding });
      const vectors = data.map(({ embedding }) => (format === "base64" ? decode(String(embedding)) : embedding));
      assertClose(vectors, expected);
      assert.equal(model, "tiny");
      assert.ok(usage.total_tokens > 2);
    });
  }

  it("lists and finds models", async () => {
    const { data } = await client.models.list();
    assert.deepEqual(
      data.map(({ id }) => id),
      ["tiny", "qwen3-reranker-tiny"],
    );
    assert.equal((await client.models.retrieve("tiny")).owned_by, "qwen3-ts");
  });

  it("throws its own errors with the server's messages", async () => {
    const wrong = client.embeddings.create({ model: "tiny", input: "a", dimensions: 193 });
    await assert.rejects(wrong, { status: 422, message: /`dimensions` should be smaller/ });
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong", maxRetries: 0 });
    await assert.rejects(stranger.embeddings.create({ model: "tiny", input: "a" }), OpenAI.AuthenticationError);
  });
});

function decode(base64: string): number[] {
  const bytes = Buffer.from(base64, "base64");
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

describe("@huggingface/inference", () => {
  const client = new InferenceClient("secret");

  it("extracts features from an endpoint", async () => {
    assertClose(await client.endpoint(url).featureExtraction({ inputs: TEXTS }), expected);
    assertClose(await client.endpoint(`${url}/embed`).featureExtraction({ inputs: TEXTS }), expected);
  });

  it("compares sentences", async () => {
    const inputs = { source_sentence: "What is gravity?", sentences: [...TEXTS].toReversed() };
    const similarities = await client.endpoint(`${url}/similarity`).sentenceSimilarity({ inputs });
    const [a = new Float32Array(), b = new Float32Array()] = expected;
    assertClose([similarities], models.embedding.similarity([a], [b, a]));
  });
});

describe("cohere-ai", () => {
  it("reranks with both versions of its API", async () => {
    const settings = { token: "secret", environment: url };
    const body = { model: "rerank-v3.5", query: QUERY, documents: DOCUMENTS, topN: 2 };
    const v1 = await new CohereClient(settings).rerank({ ...body, returnDocuments: true });
    const v2 = await new CohereClientV2(settings).rerank(body);
    for (const { results } of [v1, v2]) {
      assert.deepEqual(
        results.map(({ index }) => index),
        ranked.slice(0, 2).map(({ index }) => index),
      );
      const scores = results.map(({ relevanceScore }) => relevanceScore);
      assertClose([scores], [ranked.slice(0, 2).map(({ score }) => score)]);
    }
    assert.equal(v1.results[0]?.document?.text, DOCUMENTS[ranked[0]?.index ?? 0]);
  });
});

describe("LangChain.js", () => {
  it("embeds through TEI's route", async () => {
    const embeddings = new HuggingFaceInferenceEmbeddings({ model: "tiny", apiKey: "secret", endpointUrl: url });
    assertClose(await embeddings.embedDocuments(TEXTS), expected);
    assertClose([await embeddings.embedQuery(TEXTS[0] ?? "")], expected.slice(0, 1));
  });

  it("embeds through OpenAI's route", async () => {
    const embeddings = new OpenAIEmbeddings({
      model: "tiny",
      apiKey: "secret",
      configuration: { baseURL: `${url}/v1` },
      batchSize: 2,
      maxRetries: 0,
    });
    assertClose(await embeddings.embedDocuments([...TEXTS, ...TEXTS]), [...expected, ...expected]);
    assertClose([await embeddings.embedQuery(TEXTS[1] ?? "")], expected.slice(1));
  });
});

describe("ollama", () => {
  const client = new Ollama({ host: open.url });
  after(() => client.abort());

  it("embeds", async () => {
    const { embeddings, model } = await client.embed({ model: "qwen3-embedding", input: TEXTS });
    assertClose(embeddings, expected);
    assert.equal(model, "qwen3-embedding");
    const { embeddings: cut } = await client.embed({ model: "m", input: TEXTS[0] ?? "", dimensions: 16 });
    assertClose(cut, [await models.embedding.encode(TEXTS[0] ?? "", { dimensions: 16 })]);
  });

  it("throws the server's messages", async () => {
    await assert.rejects(client.embed({ model: "m", input: "" }), /`inputs` cannot be empty/);
  });
});
