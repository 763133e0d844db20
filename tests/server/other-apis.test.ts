import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bundledEmbedding, Client, fakeScorer } from "./support.ts";
import { assertClose } from "./vectors.ts";

const model = await bundledEmbedding();
const embedding = new Client({ embedding: model }, { servedModelName: "tiny" });
const both = new Client({ embedding: model, reranker: fakeScorer(model, (tokens) => tokens / 100) });
const broken = new Client({ embedding: model, reranker: fakeScorer(model, () => Number.NaN) });

interface Embeddings {
  readonly object: string;
  readonly data: readonly { readonly object: string; readonly index: number; readonly embedding: number[] | string }[];
  readonly model: string;
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

describe("POST /v1/embeddings", () => {
  it("gives floats, as TEI does", async () => {
    for (const path of ["/v1/embeddings", "/embeddings"]) {
      const { status, body } = await embedding.post(path, { input: ["gravity", "Newton"], model: "other", user: "me" });
      assert.equal(status, 200);
      const { object, data, model: name, usage } = body as Embeddings;
      assert.deepEqual([object, name], ["list", "tiny"]);
      assert.deepEqual(
        data.map(({ object: kind, index }) => [kind, index]),
        [
          ["embedding", 0],
          ["embedding", 1],
        ],
      );
      assertClose(
        data.map((each) => each.embedding),
        await model.encode(["gravity", "Newton"]),
      );
      const tokens = model.tokenizer.encodeBatch(["gravity", "Newton"]).reduce((sum, { ids }) => sum + ids.length, 0);
      assert.deepEqual(usage, { prompt_tokens: tokens, total_tokens: tokens });
    }
  });

  it("gives base64 of little-endian float32, cut to dimensions", async () => {
    const { body } = await embedding.post("/v1/embeddings", {
      input: "gravity",
      encoding_format: "base64",
      dimensions: 8,
    });
    const [first] = (body as Embeddings).data;
    const bytes = Buffer.from(first?.embedding as string, "base64");
    const values = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    assertClose([values], [await model.encode("gravity", { dimensions: 8 })]);
  });

  it("takes ids: one list, or several", async () => {
    const ids = [...model.tokenizer.encode("gravity", { addSpecialTokens: false }).ids];
    const expected = await model.encode("gravity");
    for (const input of [ids, [ids], [ids, "gravity"]]) {
      const { body } = await embedding.post("/v1/embeddings", { input });
      for (const { embedding: vector } of (body as Embeddings).data) assertClose([vector], [expected]);
    }
  });

  it("fails in TEI's format and in OpenAI's at once", async () => {
    const { status, body } = await embedding.post("/v1/embeddings", { input: "a", dimensions: 193 });
    const message = "Input validation error: `dimensions` should be smaller than the maximum embedding dimension.";
    const error = { message, code: 422, type: "Validation" };
    assert.equal(status, 422);
    assert.deepEqual(body, { ...error, error: { ...error, param: null } });
    assert.equal((await embedding.post("/v1/embeddings", { input: [] })).status, 400);
    assert.equal((await embedding.post("/v1/embeddings", { input: "a", encoding_format: "int8" })).status, 422);
  });
});

describe("GET /v1/models", () => {
  it("lists what is served, and finds each by its name", async () => {
    const { body } = await both.get("/v1/models");
    const { object, data } = body as { object: string; data: { id: string; object: string; created: number }[] };
    assert.equal(object, "list");
    assert.deepEqual(
      data.map(({ id }) => id),
      ["qwen3-embedding-tiny", "fake-reranker"],
    );
    for (const entry of data) assert.deepEqual((await both.get(`/v1/models/${entry.id}`)).body, entry);
    const named = new Client({ embedding: model }, { modelId: "Qwen/Qwen3-Embedding-0.6B" });
    assert.equal((await named.get("/v1/models/Qwen/Qwen3-Embedding-0.6B")).status, 200);
    const missing = await both.get("/v1/models/gpt");
    assert.equal(missing.status, 404);
    assert.match(JSON.stringify(missing.body), /The model `gpt` does not exist/);
  });
});

describe("POST /v1/rerank and /v2/rerank", () => {
  const documents = ["a", "a much longer document", { text: "a document" }];

  it("rank documents as Cohere and Jina do", async () => {
    for (const path of ["/v1/rerank", "/v2/rerank"]) {
      const { status, body } = await both.post(path, {
        model: "rerank-v3.5",
        query: "q",
        documents,
        return_documents: true,
      });
      assert.equal(status, 200, JSON.stringify(body));
      const {
        id,
        model: name,
        results,
        usage,
      } = body as {
        id: string;
        model: string;
        results: { index: number; relevance_score: number; document: { text: string } }[];
        usage: { total_tokens: number };
      };
      assert.match(id, /^[\da-f-]{36}$/);
      assert.equal(name, "fake-reranker");
      assert.deepEqual(
        results.map(({ index, document }) => [index, document.text]),
        [
          [1, "a much longer document"],
          [2, "a document"],
          [0, "a"],
        ],
      );
      assert.ok(results.every(({ relevance_score: score }) => score > 0.5 && score < 1));
      assert.ok(usage.total_tokens > 3);
    }
  });

  it("keep the best, without documents unless asked", async () => {
    const { body } = await both.post("/v2/rerank", { query: "q", documents, top_n: 1 });
    const { results } = body as { results: object[] };
    assert.deepEqual(
      results.map((result) => Object.keys(result)),
      [["index", "relevance_score"]],
    );
  });

  it("fail in Cohere's format", async () => {
    const fails = async (client: Client, body: object, status: number, message: RegExp): Promise<void> => {
      const answer = await client.post("/v2/rerank", body);
      assert.equal(answer.status, status);
      assert.deepEqual(Object.keys(answer.body as object), ["message"]);
      assert.match((answer.body as { message: string }).message, message);
    };
    await fails(both, { query: "q", documents: [] }, 400, /`documents` cannot be empty/);
    await fails(both, { query: "q" }, 422, /documents: /);
    await fails(embedding, { query: "q", documents }, 424, /model is not a re-ranker model/);
    await fails(broken, { query: "q", documents }, 424, /^score is NaN$/);
  });
});

describe("POST /score", () => {
  it("pairs one text with several, or each with its counterpart", async () => {
    const scores = async (text_1: unknown, text_2: unknown): Promise<number[]> => {
      const { status, body } = await both.post("/score", { text_1, text_2, model: "any" });
      assert.equal(status, 200, JSON.stringify(body));
      const { object, data } = body as { object: string; data: { index: number; object: string; score: number }[] };
      assert.equal(object, "list");
      assert.deepEqual(
        data.map(({ index, object: kind }) => [index, kind]),
        data.map((_, i) => [i, "score"]),
      );
      return data.map(({ score }) => score);
    };
    const [one = 0, two = 0] = await scores("q", ["a", "a b c d"]);
    assert.ok(one < two);
    assert.deepEqual(await scores("q", "a"), [one]);
    assert.deepEqual(await scores(["q", "q"], ["a b c d", "a"]), [two, one]);
    assert.equal((await both.post("/v1/score", { text_1: "q", text_2: "a" })).status, 200);
    const uneven = await both.post("/score", { text_1: ["q", "q"], text_2: ["a", "b", "c"] });
    assert.equal(uneven.status, 422);
    assert.match(JSON.stringify(uneven.body), /`text_1` has 2 texts and `text_2` 3/);
    assert.equal((await both.post("/score", { text_1: [], text_2: "a" })).status, 400);
  });
});

describe("POST /api/embed", () => {
  it("answers as Ollama does, whatever content type it is asked with", async () => {
    const init = { headers: { "content-type": "application/x-www-form-urlencoded" } };
    const { status, body } = await embedding.post("/api/embed", { model: "qwen3-embedding", input: "gravity" }, init);
    assert.equal(status, 200);
    const { embeddings, total_duration: total, ...rest } = body as { embeddings: number[][]; total_duration: number };
    assertClose(embeddings, [await model.encode("gravity")]);
    assert.ok(Number.isInteger(total) && total > 0);
    const { length } = model.tokenizer.encode("gravity").ids;
    assert.deepEqual(rest, { model: "qwen3-embedding", load_duration: 0, prompt_eval_count: length });
  });

  it("cuts to dimensions, of which more than there are mean all", async () => {
    for (const [dimensions, expected] of [
      [8, 8],
      [4096, 192],
      [0, 192],
    ]) {
      const { body } = await embedding.post("/api/embed", { model: "m", input: ["gravity"], dimensions });
      assertClose((body as { embeddings: number[][] }).embeddings, [
        await model.encode("gravity", { dimensions: expected }),
      ]);
    }
  });

  it("fails in Ollama's format", async () => {
    const { status, body } = await embedding.post("/api/embed", { input: "gravity" });
    assert.equal(status, 422);
    assert.match((body as { error: string }).error, /model: /);
    assert.deepEqual(Object.keys(body as object), ["error"]);
  });
});

describe("POST /rerank", () => {
  it("ranks texts as TEI does", async () => {
    const { body } = await both.post("/rerank", { query: "q", texts: ["a", "a b c d"], return_text: true });
    const ranks = body as { index: number; text: string; score: number }[];
    assert.deepEqual(
      ranks.map(({ index, text }) => [index, text]),
      [
        [1, "a b c d"],
        [0, "a"],
      ],
    );
    const raw = await both.post("/rerank", { query: "q", texts: ["a", "a b c d"], raw_scores: true });
    for (const [i, { score, index, ...rest }] of (raw.body as { index: number; score: number }[]).entries()) {
      assert.equal(index, ranks[i]?.index);
      assert.ok(Math.abs(1 / (1 + Math.exp(-score)) - (ranks[i]?.score ?? 0)) < 1e-12);
      assert.deepEqual(rest, {});
    }
  });

  it("never sends NaN", async () => {
    const { status, body } = await broken.post("/rerank", { query: "q", texts: ["a"] });
    assert.equal(status, 424);
    assert.deepEqual(body, { error: "score is NaN", error_type: "Backend" });
  });

  it("cuts long texts, or refuses them", async () => {
    const small = new Client({ reranker: fakeScorer(model, () => 1) }, { maxBatchTokens: 240 });
    const body = { query: "q", texts: ["word ".repeat(400)] };
    const cut = await small.post("/rerank", body);
    assert.equal(cut.headers.get("x-compute-tokens"), "240");
    for (const options of [{ truncate: false }, { truncation_direction: "Left" }]) {
      const { status, body: error } = await small.post("/rerank", { ...body, ...options });
      assert.equal(status, 422);
      assert.match((error as { error: string }).error, /`inputs` must have less than 240 tokens\. Given: \d+/);
    }
  });

  it("refuses no texts, too many, and empty pairs", async () => {
    const rerank = async (texts: unknown, query = "q"): Promise<[number, unknown]> => {
      const { status, body } = await both.post("/rerank", { query, texts });
      return [status, body];
    };
    assert.deepEqual(await rerank([]), [400, { error: "`texts` cannot be empty", error_type: "Empty" }]);
    assert.equal((await rerank([""], ""))[0], 400);
    assert.equal((await rerank([""]))[0], 200);
    assert.equal((await rerank(Array.from({ length: 33 }, () => "a")))[0], 422);
    assert.equal((await rerank("a"))[0], 422);
  });
});

describe("POST /predict", () => {
  it("scores pairs in the order given, with the label", async () => {
    const single = await both.post("/predict", { inputs: ["q", "a"] });
    const [first] = single.body as { score: number; label: string }[];
    assert.equal(first?.label, "LABEL_0");
    assert.ok(first.score > 0.5 && first.score < 1);
    const batch = await both.post("/predict", {
      inputs: [
        ["q", "a"],
        ["q", "a b c d"],
      ],
      raw_scores: true,
    });
    const [[low] = [], [high] = []] = batch.body as { score: number }[][];
    assert.ok((low?.score ?? 1) < (high?.score ?? 0));
  });

  it("wants pairs", async () => {
    for (const inputs of ["a", ["a"], [["a"]]]) {
      const { status, body } = await both.post("/predict", { inputs });
      assert.equal(status, 422);
      assert.match(JSON.stringify(body), /judges pairs/);
    }
    for (const inputs of [[], ["a", "b", "c"], [["a", "b", "c"]], 1, ["a", 1]])
      assert.equal((await both.post("/predict", { inputs })).status, 422);
  });
});

describe("POST / with both models", () => {
  it("does what the body asks for", async () => {
    const embedded = await both.post("/", { inputs: "gravity" });
    assertClose(embedded.body, [await model.encode("gravity")]);
    const ranked = await both.post("/invocations", { query: "q", texts: ["a"] });
    assert.deepEqual(Object.keys((ranked.body as object[])[0] ?? {}), ["index", "score"]);
    const instances = [{ inputs: "gravity" }, { query: "q", texts: ["a"] }];
    const { predictions } = (await both.post("/vertex", { instances })).body as { predictions: unknown[] };
    assert.deepEqual(predictions, [embedded.body, ranked.body]);
  });

  it("reranks where only a reranker is served, which does not embed", async () => {
    const only = new Client({ reranker: fakeScorer(model, () => 1) });
    assert.equal((await only.post("/", { query: "q", texts: ["a"] })).status, 200);
    const { predictions } = (await only.post("/vertex", { instances: [{ inputs: ["q", "a"] }] })).body as {
      predictions: unknown[][];
    };
    assert.equal(predictions[0]?.length, 1);
    const { status, body } = await only.post("/embed", { inputs: "a" });
    assert.equal(status, 424);
    assert.deepEqual(body, { error: "Backend error: Model is not an embedding model", error_type: "Backend" });
    assert.equal((await only.post("/tokenize", { inputs: "a" })).status, 200);
  });
});
