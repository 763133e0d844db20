import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { EmbeddingModel, type LoadOptions } from "../../src/index.ts";
import { numberOf, numbersOf, readOptions } from "../command-line.ts";
import { LineProcess } from "../line-process.ts";
import { publish, type Row } from "../report.ts";
import { median } from "../statistics.ts";
import { buildWorkloads } from "../workloads.ts";
import type { Measured } from "./library.ts";

const HELP = `npm run bench -- server [OPTION…]
Clients that each send one text a request to POST /embed, and the library called directly with the same texts.

  --model DIR      a checkpoint folder  (the bundled embedding model)
  --device KIND    wasm, webgpu, reference  (wasm)
  --dtype TYPE     auto, f32, bf16, int8  (auto)
  --threads N      (1)
  --workload NAME  whose texts  (W2)
  --clients LIST   (1,16,128,512)
  --seconds N      of each measurement  (4)
  --rounds N       (3)
  --json FILE      write the report as JSON too`;

const OPTIONS = {
  model: { type: "string" },
  device: { type: "string", default: "wasm" },
  dtype: { type: "string", default: "auto" },
  threads: { type: "string", default: "1" },
  workload: { type: "string", default: "W2" },
  clients: { type: "string", default: "1,16,128,512" },
  seconds: { type: "string", default: "4" },
  rounds: { type: "string", default: "3" },
  json: { type: "string" },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const { device, dtype, model } = values;
  const options = { device, dtype, threads: numberOf(values.threads, "--threads") } as LoadOptions;
  const texts = await textsOf(model, values.workload);
  const script = fileURLToPath(new URL("./library.js", import.meta.url));
  const library = new LineProcess({ label: "library", command: [process.execPath, script] });
  await library.ask({ model, options, texts });
  const server = await startServer(["--device", device, "--dtype", dtype, "--threads", values.threads], model);
  try {
    const seconds = numberOf(values.seconds, "--seconds");
    const rows: Row[] = [];
    for (const clients of numbersOf(values.clients, "--clients")) {
      console.error(`measuring ${clients} clients`);
      const rounds: Round[] = [];
      for (let round = 0; round < numberOf(values.rounds, "--rounds"); round++) {
        const direct = await library.ask<Measured>({ seconds });
        rounds.push({ direct: direct.textsPerSecond, served: await load(server.url, { texts, clients, seconds }) });
      }
      rows.push(row(clients, rounds));
    }
    const { device: description } = await library.ask<Measured>({ seconds: 0 });
    const tables = [{ title: `POST /embed, one text of ${values.workload} a request`, rows }];
    publish({ bench: "server", options: values, about: { device: description }, tables }, values.json);
  } finally {
    server.child.kill("SIGTERM");
    await library.end({});
  }
}

async function textsOf(source: string | undefined, workload: string): Promise<readonly string[]> {
  await using model = await EmbeddingModel.load(source, { threads: 1 });
  const [built] = buildWorkloads([workload], (text) => model.tokenizer.encode(text).ids.length);
  return built?.variants[0] ?? [];
}

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
}

/** The command as people run it, on a free loopback port. */
async function startServer(flags: readonly string[], model: string | undefined): Promise<Server> {
  const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
  const named = model === undefined ? [] : ["--model-id", model];
  const child = spawn(process.execPath, [main, "serve", "--port", "0", "--json-output", ...named, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, LOG_LEVEL: "info" },
  });
  for await (const line of createInterface({ input: child.stderr })) {
    const port = /"port":(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stderr.resume();
    return { child, url: `http://127.0.0.1:${port}/embed` };
  }
  await once(child, "exit");
  throw new Error("the server ended before it listened");
}

interface Load {
  readonly requestsPerSecond: number;
  /** Milliseconds of every answer, ascending. */
  readonly latencies: readonly number[];
  readonly failures: number;
}

interface Round {
  readonly direct: number;
  readonly served: Load;
}

function load(
  url: string,
  {
    texts,
    clients,
    seconds,
  }: { readonly texts: readonly string[]; readonly clients: number; readonly seconds: number },
): Promise<Load> {
  const latencies: number[] = [];
  const requests = texts.map((text) => ({
    method: "POST" as const,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: text }),
  }));
  return new Promise((resolve, reject) => {
    let next = 0;
    // Each client begins elsewhere in the list: they must not all send the longest text at once.
    const setupClient = (client: autocannon.Client): void => client.setRequests(rotate(requests, next++));
    const options = { url, connections: clients, duration: seconds, requests, setupClient };
    const instance = autocannon(options, (error, result) => {
      if (error) {
        reject(error as Error);
        return;
      }
      resolve({
        requestsPerSecond: latencies.length / result.duration,
        latencies: latencies.toSorted((a, b) => a - b),
        failures: result.non2xx + result.errors,
      });
    });
    instance.on("response", (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  });
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

function row(clients: number, rounds: readonly Round[]): Row {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const percentile = (p: number): number =>
    middle(({ served: { latencies } }) => latencies[Math.floor(p * (latencies.length - 1))] ?? Number.NaN);
  return {
    clients,
    "texts/s": middle(({ served }) => served.requestsPerSecond),
    "p50 ms": percentile(0.5),
    "p95 ms": percentile(0.95),
    "p99 ms": percentile(0.99),
    failures: rounds.reduce((sum, { served }) => sum + served.failures, 0),
    "library texts/s": middle(({ direct }) => direct),
    "server ÷ library": middle(({ direct, served }) => served.requestsPerSecond / direct),
  };
}
