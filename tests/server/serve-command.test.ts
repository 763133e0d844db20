import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { REPOSITORY } from "../package/repository.ts";
import { TraceCollector } from "./trace-collector.ts";

const MAIN = `${REPOSITORY}dist/cli/main.js`;

interface Run {
  readonly child: ChildProcess;
  /** What was written to stderr so far. */
  readonly log: () => string;
  readonly exit: Promise<number | null>;
}

function serve(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(process.execPath, [MAIN, "serve", ...args], { env: { PATH: process.env["PATH"] ?? "", ...env } });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  child.stdout.resume();
  const exit = once(child, "exit").then(([code]) => code as number | null);
  return { child, log: () => log, exit };
}

/** Where a started server listens, from its log. */
async function portOf({ log, child }: Run, count = 1): Promise<number[]> {
  for (;;) {
    const ports = Array.from(log().matchAll(/"port":(\d+)/g), ([, port]) => Number(port));
    if (ports.length >= count) return ports;
    if (child.exitCode !== null) throw new Error(log());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("qwen3 serve", () => {
  it("starts from a TEI start line and environment, and ends with 0 on SIGTERM", async () => {
    const line = "--model-id qwen3-embedding-tiny --dtype float16 --pooling last-token --auto-truncate --json-output";
    const env = { PORT: "0", MAX_CLIENT_BATCH_SIZE: "7", SERVED_MODEL_NAME: "mine", HOSTNAME: "5f2c1a", API_KEY: "k" };
    const run = serve([...line.split(" "), "--max-batch-tokens", "64", "--prometheus-port", "0"], env);
    const [port = 0, metricsPort = 0] = await portOf(run, 2);
    const info = await fetch(`http://127.0.0.1:${port}/info`, { headers: { authorization: "Bearer k" } });
    const { model_id, served_model_name, max_client_batch_size, max_input_length, reranker } =
      (await info.json()) as Record<string, unknown>;
    assert.deepEqual(
      [model_id, served_model_name, max_client_batch_size, max_input_length, reranker],
      ["qwen3-embedding-tiny", "mine", 7, 64, undefined],
    );
    const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    assert.match(await metrics.text(), /te_queue_size 0/);
    assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/info`)).status, 404);
    run.child.kill("SIGTERM");
    assert.equal(await run.exit, 0);
    for (const entry of run.log().trim().split("\n")) JSON.parse(entry);
  });

  it("serves a reranker by itself", async () => {
    const run = serve(["--model-id", "qwen3-reranker-tiny", "--port", "0", "--json-output"]);
    const [port = 0] = await portOf(run);
    const body = JSON.stringify({ query: "capital of China", texts: ["gravity", "Beijing"] });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body });
    assert.equal(answer.status, 200);
    assert.equal(((await answer.json()) as unknown[]).length, 2);
    run.child.kill("SIGTERM");
    assert.equal(await run.exit, 0);
  });

  it("sends traces that continue the client's", async () => {
    using collector = new TraceCollector();
    const endpoint = await collector.start();
    const flags = ["--otlp-endpoint", endpoint, "--otlp-service-name", "my-service"];
    const run = serve(["--model-id", "qwen3-embedding-tiny", "--port", "0", "--json-output", ...flags]);
    const [port = 0] = await portOf(run);
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = { "content-type": "application/json", traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const request = { method: "POST", headers, body: JSON.stringify({ inputs: "gravity" }) };
    assert.equal((await fetch(`http://127.0.0.1:${port}/embed`, request)).status, 200);
    run.child.kill("SIGTERM");
    assert.equal(await run.exit, 0);
    const sent = Buffer.concat(collector.received);
    for (const part of ["my-service", "POST /embed", "compute_tokens", "inference_time"])
      assert.notEqual(sent.indexOf(part), -1, part);
    assert.notEqual(sent.indexOf(Buffer.from(traceId, "hex")), -1);
  });

  const refused: [string, string[], RegExp, Record<string, string>?][] = [
    ["what has no meaning here, by its name", ["--uds-path", "/tmp/a"], /--uds-path.*no backend process to talk to/],
    ["the same as a flag without a value", ["--disable-spans"], /--disable-spans.*log lines carry no spans/],
    ["another pooling", ["--pooling", "cls"], /--pooling.*pool the last token/],
    ["numbers that are none", ["--max-batch-tokens", "many"], /--max-batch-tokens.*whole number/],
    ["variables that are wrong", [], /MAX_BATCH_TOKENS/, { MAX_BATCH_TOKENS: "0" }],
    ["flags that TEI has not either", ["--max-tokens", "1"], /unknown option '--max-tokens'/],
  ];
  for (const [what, args, message, env] of refused) {
    it(`refuses ${what}`, async () => {
      const run = serve(args, env);
      assert.equal(await run.exit, 2);
      assert.match(run.log(), message);
    });
  }

  it("says in one line why it cannot serve", async () => {
    const run = serve(["--model-id", "qwen3-embedding-tiny", "--default-prompt-name", "x", "--port", "0"]);
    assert.equal(await run.exit, 1);
    assert.match(run.log(), /`default-prompt-name` is set to `x` but it was not found/);
  });
});
