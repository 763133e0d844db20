import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Qwen3Error } from "../../src/index.ts";
import { createHandler, type ServerOptions } from "../../src/server/index.ts";
import { bundledEmbedding, Client, fakeScorer, modelWith } from "./support.ts";

const model = await bundledEmbedding();
const reranker = fakeScorer(model, () => 0);

describe("GET /info", () => {
  it("has TEI's fields and defaults", async () => {
    const { body } = await new Client({ embedding: model }).get("/info");
    const { version, ...info } = body as { version: string };
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.deepEqual(info, {
      model_id: "qwen3-embedding-tiny",
      model_sha: null,
      model_dtype: "bfloat16",
      served_model_name: "qwen3-embedding-tiny",
      model_type: { embedding: { pooling: "last_token" } },
      max_concurrent_requests: 512,
      max_input_length: 2048,
      max_batch_tokens: 16384,
      max_batch_requests: null,
      max_client_batch_size: 32,
      auto_truncate: true,
      tokenization_workers: 1,
      sha: null,
      docker_label: null,
    });
  });

  it("says what it was told", async () => {
    const options: ServerOptions = {
      modelId: "Qwen/Qwen3-Embedding-0.6B",
      revision: "abc",
      dtype: "float32",
      servedModelName: "mine",
      maxConcurrentRequests: 4,
      maxBatchTokens: 128,
      maxBatchRequests: 2,
      maxClientBatchSize: 3,
    };
    const { body } = await new Client({ embedding: model, reranker }, options).get("/info");
    const info = body as Record<string, unknown>;
    const shown = [info["model_id"], info["model_sha"], info["model_dtype"], info["served_model_name"]];
    assert.deepEqual(shown, ["Qwen/Qwen3-Embedding-0.6B", "abc", "float32", "mine"]);
    const limits = [info["max_input_length"], info["max_batch_tokens"], info["max_batch_requests"]];
    assert.deepEqual(limits, [128, 128, 2]);
    assert.equal((info["reranker"] as { model_id: string }).model_id, "fake-reranker");
  });

  it("shows a reranker as TEI does", async () => {
    const { body } = await new Client({ reranker }).get("/info");
    const type = { reranker: { id2label: { "0": "LABEL_0" }, label2id: { LABEL_0: 0 } } };
    assert.deepEqual((body as { model_type: unknown }).model_type, type);
  });
});

describe("GET /health", () => {
  it("computes something before it says yes", async () => {
    let probes = 0;
    const embedding = modelWith(model, {
      encodeIds: (sequences, options) => {
        probes++;
        return model.encodeIds(sequences, options);
      },
    });
    const client = new Client({ embedding, reranker });
    for (const path of ["/health", "/", "/ping"]) assert.equal((await client.get(path)).status, 200);
    assert.equal(probes, 1); // one answer serves all who ask at once
  });

  it("says 503 while the model cannot compute, and 200 again when it can", async () => {
    let lost = true;
    const embedding = modelWith(model, {
      encodeIds: (sequences, options) => {
        if (lost) throw new Qwen3Error("device", "the GPU was lost");
        return model.encodeIds(sequences, options);
      },
    });
    const client = new Client({ embedding });
    const { status, body } = await client.get("/health");
    assert.equal(status, 503);
    assert.deepEqual(body, { error: "unhealthy", error_type: "Unhealthy" });
    const failed = await client.post("/embed", { inputs: "a" });
    assert.equal(failed.status, 424);
    assert.deepEqual(failed.body, { error: "Backend error: inference failed", error_type: "Backend" });
    lost = false;
    assert.equal((await client.post("/embed", { inputs: "a" })).status, 200);
    const again = new Client({ embedding });
    assert.equal((await again.get("/health")).status, 200);
  });
});

describe("GET /metrics", () => {
  it("has TEI's names", async () => {
    const client = new Client({ embedding: model, reranker });
    await client.post("/embed", { inputs: "gravity" });
    await client.post("/embed", { inputs: ["gravity", "Newton"] });
    await client.post("/rerank", { query: "q", texts: ["a", "b"] });
    await client.post("/embed", { inputs: "" });
    const { body, headers } = await client.get("/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain/);
    const lines = (body as string).split("\n");
    const value = (name: string): number => Number(lines.find((line) => line.startsWith(`${name} `))?.split(" ")[1]);
    assert.equal(value('te_request_count{method="single"}'), 2);
    assert.equal(value('te_request_count{method="batch"}'), 2);
    assert.equal(value('te_request_success{method="single"}'), 1);
    assert.equal(value('te_request_success{method="batch"}'), 2);
    assert.equal(value('te_request_failure{err="tokenization"}'), 1);
    assert.equal(value("te_embed_count"), 3);
    assert.equal(value("te_embed_success"), 3);
    assert.equal(value("te_predict_count"), 2);
    assert.equal(value("te_predict_success"), 2);
    assert.equal(value("te_queue_size"), 0);
    assert.equal(value("te_request_input_length_count"), 5);
    assert.equal(value("te_batch_next_size_sum"), 5);
    assert.ok(value("te_batch_next_tokens_sum") > 5);
    for (const prefix of ["te_request", "te_embed", "te_predict"]) {
      for (const part of ["duration", "tokenization_duration", "queue_duration", "inference_duration"]) {
        const buckets = lines.filter((line) => line.startsWith(`${prefix}_${part}_bucket`));
        assert.equal(buckets.length, 36); // and +Inf
        assert.ok(value(`${prefix}_${part}_count`) >= 2);
      }
    }
  });
});

describe("a key", () => {
  const client = new Client({ embedding: model }, { apiKey: "secret" });

  it("is asked for everywhere but at health, metrics and the documentation", async () => {
    for (const path of ["/health", "/", "/ping", "/metrics", "/api-doc/openapi.json"])
      assert.equal((await client.get(path)).status, 200, path);
    const { status, body, headers } = await client.get("/info");
    assert.equal(status, 401);
    assert.deepEqual(body, { error: "Unauthorized", error_type: "Validation" });
    assert.equal(headers.get("www-authenticate"), "Bearer");
    assert.equal((await client.post("/embed", { inputs: "a" })).status, 401);
    assert.equal((await client.post("/embed", "not even looked at")).status, 401);
  });

  it("opens to its bearer only", async () => {
    assert.equal((await client.get("/info", { authorization: "Bearer secret" })).status, 200);
    for (const authorization of ["Bearer secret2", "Bearer secre", "Bearer ", "secret", "Basic secret"])
      assert.equal((await client.get("/info", { authorization })).status, 401, authorization);
  });
});

describe("requests that are none", () => {
  const client = new Client({ embedding: model }, { payloadLimit: 100 });
  const json = { "content-type": "application/json" };

  it("are refused with the status that fits", async () => {
    const status = async (init: RequestInit): Promise<number> =>
      (await client.send("/embed", { method: "POST", ...init })).status;
    assert.equal(await status({ headers: json, body: "{" }), 400);
    assert.equal(await status({ headers: json }), 400);
    assert.equal(await status({ body: '{"inputs":"a"}', headers: { "content-type": "text/plain" } }), 415);
    assert.equal(await status({ headers: json, body: JSON.stringify({ inputs: "a".repeat(100) }) }), 413);
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(60)),
    });
    assert.equal(await status({ headers: json, body: stream, duplex: "half" }), 413);
    assert.equal((await client.get("/embed")).status, 405);
    assert.equal((await client.get("/embed")).headers.get("allow"), "POST");
    assert.equal((await client.get("/nothing")).status, 404);
    assert.deepEqual(Object.keys((await client.get("/v1/nothing")).body as object), [
      "message",
      "code",
      "type",
      "error",
    ]);
  });

  it("take the request's id, or get one", async () => {
    assert.equal((await client.get("/info", { "x-request-id": "mine-1" })).headers.get("x-request-id"), "mine-1");
    const { headers } = await client.get("/info", { "x-request-id": "not an id" });
    assert.match(headers.get("x-request-id") ?? "", /^[\da-f-]{36}$/);
  });
});

describe("failures that are not the client's", () => {
  it("are told to the log, and to the client without details", async () => {
    const logged: string[] = [];
    const note = (fields: object, message: string): void => {
      logged.push(`${message} ${String((fields as { err?: unknown }).err)}`);
    };
    const logger = { info: () => undefined, warn: note, error: note };
    const secret = "cannot read /home/me/model.safetensors";
    const embedding = modelWith(model, { encodeIds: () => Promise.reject(new Error(secret)) });
    const client = new Client({ embedding }, { logger });
    const { status, body } = await client.post("/embed", { inputs: "a" });
    assert.equal(status, 424);
    assert.deepEqual(body, { error: "Backend error: inference failed", error_type: "Backend" });
    assert.ok(logged.some((line) => line.includes(secret)));
  });

  it("include NaN", async () => {
    const embedding = modelWith(model, {
      encodeIds: async (sequences) => sequences.map(() => new Float32Array(192).fill(Number.NaN)),
      tokenEmbeddings: async (sequences) =>
        sequences.map(({ length }) => ({ shape: [length, 192], data: new Float32Array(length * 192).fill(Infinity) })),
    });
    const client = new Client({ embedding });
    for (const path of ["/embed", "/embed_all"]) {
      const { status, body } = await client.post(path, { inputs: "a" });
      assert.equal(status, 424);
      assert.deepEqual(body, { error: "embedding is NaN", error_type: "Backend" });
    }
  });
});

describe("too much at once", () => {
  it("is refused at once, and served again when there is room", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const embedding = modelWith(model, {
      encodeIds: async (sequences, options) => {
        await gate;
        return await model.encodeIds(sequences, options);
      },
    });
    const client = new Client({ embedding }, { maxConcurrentRequests: 2 });
    const alone = client.post("/embed", { inputs: ["a", "b", "c"] }); // more than the limit, but nobody else is there
    const late = await client.post("/embed", { inputs: "d" });
    assert.equal(late.status, 429);
    assert.deepEqual(late.body, { error: "Model is overloaded", error_type: "Overloaded" });
    assert.equal(late.headers.get("retry-after"), "1");
    release();
    assert.equal((await alone).status, 200);
    assert.equal((await client.post("/embed", { inputs: "d" })).status, 200);
  });

  it("drops what clients no longer wait for", async () => {
    let computed = 0;
    const embedding = modelWith(model, {
      encodeIds: (sequences, options) => {
        computed += sequences.length;
        return model.encodeIds(sequences, options);
      },
    });
    const client = new Client({ embedding });
    const gone = new AbortController();
    const request = client.post("/embed", { inputs: ["a", "b"] }, { signal: gone.signal });
    gone.abort();
    await request.catch(() => undefined);
    assert.equal((await client.post("/embed", { inputs: "c" })).status, 200);
    assert.equal(computed, 1);
  });
});

describe("other origins", () => {
  const preflight = {
    method: "OPTIONS",
    headers: { origin: "https://a.example", "access-control-request-method": "POST" },
  };
  const allowed = async (origins: readonly string[] | undefined): Promise<string | null> => {
    const { headers } = await new Client({ embedding: model }, { corsAllowOrigin: origins }).send("/embed", preflight);
    return headers.get("access-control-allow-origin");
  };

  it("may use the server only if it was told so", async () => {
    assert.equal(await allowed(undefined), null);
    assert.equal(await allowed(["https://b.example"]), null);
    assert.equal(await allowed(["https://a.example", "https://b.example"]), "https://a.example");
    assert.equal(await allowed(["*"]), "*");
  });
});

describe("createHandler", () => {
  it("refuses options that cannot be", () => {
    const wrong: [ServerOptions, RegExp][] = [
      [{ maxBatchTokens: 0 }, /maxBatchTokens is 0; expected a whole number of at least 1/],
      [{ maxClientBatchSize: 1.5 }, /maxClientBatchSize is 1.5/],
      [{ defaultPromptName: "x" }, /`default-prompt-name` is set to `x` but it was not found/],
      [{ defaultPromptName: "query", defaultPrompt: "a" }, /choose one/],
      [{ autoTruncate: false, maxBatchTokens: 100 }, /takes 2048 tokens, more than maxBatchTokens \(100\)/],
      [{ apiKey: "" }, /apiKey is empty/],
    ];
    for (const [options, message] of wrong)
      assert.throws(() => createHandler({ embedding: model }, options), { code: "invalid-argument", message });
    assert.throws(() => createHandler({}), /no model to serve/);
  });

  it("puts the default prompt before texts without one", async () => {
    const vector = async (options: ServerOptions, body: object = {}): Promise<unknown> =>
      (await new Client({ embedding: model }, options).post("/embed", { inputs: "gravity", ...body })).body;
    const query = await vector({}, { prompt_name: "query" });
    assert.deepEqual(await vector({ defaultPromptName: "query" }), query);
    assert.deepEqual(await vector({ defaultPrompt: model.prompts.get("query") }), query);
    assert.deepEqual(await vector({ defaultPromptName: "query" }, { prompt_name: "document" }), await vector({}));
  });
});
