/** What is done to a running server, and what it does: the table in docs/server.md. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import autocannon from "autocannon";
import { Qwen3Error } from "../../src/index.ts";
import type { Embedder } from "../../src/server/index.ts";
import { bundledModels, startServer } from "./running-server.ts";
import { modelWith } from "./support.ts";

const { embedding: model } = await bundledModels();
const JSON_TYPE = { "content-type": "application/json" };

/** The model with another way to compute. */
function computing(encodeIds: Embedder["encodeIds"]): Embedder {
  return modelWith(model, { encodeIds });
}

/** A model that computes only once it is let. */
function gated(): { readonly model: Embedder; readonly open: () => void; readonly batches: number[] } {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const batches: number[] = [];
  const encodeIds: Embedder["encodeIds"] = async (sequences) => {
    batches.push(sequences.length);
    await gate;
    return sequences.map(() => new Float32Array(192).fill(1));
  };
  return { model: computing(encodeIds), open: () => open(), batches };
}

const instantly = computing(async (sequences) => sequences.map(() => new Float32Array(192).fill(1)));

function embed(url: string, inputs: unknown = "a", init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/embed`, { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ inputs }), ...init });
}

/** Sends bytes as they are; resolves to all that comes back once the server hangs up. */
function talk(port: number, text: string): { readonly socket: Socket; readonly answer: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
  const answer = new Promise<string>((resolve) => {
    socket.on("close", () => resolve(received));
    socket.on("error", () => undefined);
  });
  socket.write(text);
  return { socket, answer };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("overload", () => {
  it("refuses the 5th of 5 requests at once with 429, and serves the other 4", async () => {
    const { model: slow, open, batches } = gated();
    const { url } = await startServer({ embedding: slow }, { maxConcurrentRequests: 4 });
    const accepted = Array.from({ length: 4 }, () => embed(url));
    await until(() => batches.length > 0);
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    while (!(await metrics()).includes('te_request_count{method="single"} 4')) await new Promise(setImmediate);
    const refused = await embed(url);
    assert.equal(refused.status, 429);
    assert.deepEqual(await refused.json(), { error: "Model is overloaded", error_type: "Overloaded" });
    open();
    assert.deepEqual(
      (await Promise.all(accepted)).map(({ status }) => status),
      [200, 200, 200, 200],
    );
  });
});

describe("bodies", () => {
  it("beyond the limit get 413, declared or not, and the server goes on", async () => {
    const { url } = await startServer({ embedding: instantly }, { payloadLimit: 1000 });
    assert.equal((await embed(url, "a".repeat(2000))).status, 413);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(512)) });
    const answer = await embed(url, "", { body: endless, duplex: "half" }).catch((error: unknown) => error);
    if (answer instanceof Response) assert.equal(answer.status, 413);
    assert.equal((await embed(url)).status, 200);
  });

  it("that are half sent, and headers that never end, are given up after the time limit", async () => {
    const limits = { headersTimeoutMs: 100, requestTimeoutMs: 200 };
    const { url, port } = await startServer({ embedding: instantly }, {}, limits);
    const headers = talk(port, "POST /embed HTTP/1.1\r\nHost: a\r\n");
    const body = talk(
      port,
      'POST /embed HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"inputs":',
    );
    assert.match(await headers.answer, /^HTTP\/1\.1 408 /);
    assert.match(await body.answer, /^(?:HTTP\/1\.1 40[08] |$)/);
    assert.equal((await embed(url)).status, 200);
  });

  it("that are no HTTP get 400", async () => {
    const { port } = await startServer({ embedding: instantly });
    assert.match(await talk(port, "hello\r\n\r\n").answer, /^HTTP\/1\.1 400 /);
  });
});

describe("clients that go away", () => {
  it("have their waiting texts dropped", async () => {
    const { model: slow, open, batches } = gated();
    const { url } = await startServer({ embedding: slow }, { maxBatchTokens: 8 });
    const first = embed(url);
    await until(() => batches.length === 1);
    const gone = new AbortController();
    const second = embed(url, ["b", "c"], { signal: gone.signal }).catch(() => undefined);
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    while (!(await metrics()).includes("te_queue_size 2")) await new Promise(setImmediate);
    gone.abort();
    await second;
    while (!(await metrics()).includes("te_queue_size 0")) await new Promise(setImmediate);
    assert.match(await metrics(), /te_request_failure\{err="dropped"\} 2/);
    open();
    assert.equal((await first).status, 200);
    assert.deepEqual(batches, [1]);
  });
});

describe("stopping", () => {
  it("finishes what is under way and accepts nothing new", async () => {
    const { model: slow, open, batches } = gated();
    const { url, close } = await startServer({ embedding: slow });
    const underWay = embed(url);
    await until(() => batches.length === 1);
    const closing = close(10_000);
    await assert.rejects(embed(url));
    open();
    assert.equal((await underWay).status, 200);
    await closing;
  });

  it("cuts what takes longer than the grace time", async () => {
    const { model: slow, open, batches } = gated();
    const { url, close } = await startServer({ embedding: slow });
    const underWay = embed(url);
    await until(() => batches.length === 1);
    await Promise.all([close(50), assert.rejects(underWay)]);
    open();
  });
});

describe("a lost device", () => {
  it("is survived: 503 at /health meanwhile, and the text is computed once it is back", async () => {
    const faults: ("lost" | "back")[] = ["lost", "back"];
    const flaky = computing(async (sequences) => {
      if (faults.shift() === "lost") throw new Qwen3Error("device", "the GPU was lost");
      return sequences.map(() => new Float32Array(192).fill(1));
    });
    const { url } = await startServer({ embedding: flaky });
    assert.equal((await embed(url)).status, 200);
    faults.push("lost", "lost");
    assert.equal((await embed(url)).status, 424);
    faults.push("lost");
    assert.equal((await fetch(`${url}/health`)).status, 503);
    await new Promise((resolve) => setTimeout(resolve, 1050)); // for so long a probe's answer is given again
    assert.equal((await fetch(`${url}/health`)).status, 200);
  });
});

describe("10,000 requests", () => {
  it("leave no memory behind", async () => {
    const { url } = await startServer({ embedding: instantly });
    await send(url, 1000);
    const before = heapUsed();
    await send(url, 10_000);
    const left = heapUsed() - before;
    assert.ok(left < 5e6, `${(left / 10_000).toFixed(0)} bytes per request`);
  });
});

async function send(url: string, amount: number): Promise<void> {
  const body = JSON.stringify({ inputs: "gravity" });
  const result = await autocannon({
    url: `${url}/embed`,
    method: "POST",
    headers: JSON_TYPE,
    body,
    connections: 16,
    amount,
  });
  assert.equal(result["2xx"], amount);
}

/** What is left after collecting garbage. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
