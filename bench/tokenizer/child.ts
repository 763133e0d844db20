/** The process under test: one contender, measured once from the start. */
import { createHash } from "node:crypto";
import { Bench } from "tinybench";
import { reply, requests } from "../line-process.ts";
import { CONTENDERS, type Encode } from "./contenders.ts";
import type { Document, Kind } from "./corpus.ts";
import { readCorpus } from "./corpus.ts";
import { LONG_TEXTS } from "./long-texts.ts";
import type { Measured, Request } from "./protocol.ts";

const QUERY = "Which of these documents explains how the batches are packed without any padding?";

for await (const request of requests<Request>()) {
  reply(await measure(request));
  break;
}
process.exit(0);

async function measure({ contender, digests, extras }: Request): Promise<Measured> {
  const documents = readCorpus();
  const found = CONTENDERS.find(({ name }) => name === contender);
  if (found === undefined) throw new Error(`no contender is called ${contender}`);
  const start = performance.now();
  const encode = await found.load();
  const loadMs = performance.now() - start;
  const first = await pass(encode, documents);
  const second = await pass(encode, documents);
  return {
    node: process.version,
    loadMs,
    firstMs: first.ms,
    secondMs: second.ms,
    tokens: first.tokens,
    digests: digests ? await digestAll(encode, documents) : null,
    queryUs: extras ? await timeQuery(encode) : null,
    longNs: extras ? await timeLongTexts(encode) : null,
  };
}

async function pass(
  encode: Encode,
  documents: readonly Document[],
): Promise<{ ms: Record<Kind, number>; tokens: number }> {
  const ms: Record<Kind, number> = { Markdown: 0, code: 0, languages: 0 };
  let tokens = 0;
  for (const { kind, text } of documents) {
    const start = performance.now();
    const ids = encode(text);
    tokens += (ids instanceof Promise ? await ids : ids).length;
    ms[kind] += performance.now() - start;
  }
  return { ms, tokens };
}

async function digestAll(encode: Encode, documents: readonly Document[]): Promise<string[]> {
  const digests: string[] = [];
  for (const { text } of documents) {
    digests.push(
      createHash("sha256")
        .update(Uint32Array.from(await encode(text)))
        .digest("base64"),
    );
  }
  return digests;
}

async function timeQuery(encode: Encode): Promise<number> {
  const bench = new Bench({ time: 300, warmupTime: 200 });
  bench.add("query", async () => {
    const ids = encode(QUERY);
    if (ids instanceof Promise) await ids;
  });
  await bench.run();
  const result = bench.tasks[0]?.result;
  return result?.state === "completed" ? result.latency.p50 * 1e3 : Number.NaN;
}

async function timeLongTexts(encode: Encode): Promise<Record<string, number>> {
  const ns: Record<string, number> = {};
  for (const [name, text] of Object.entries(LONG_TEXTS)) {
    const start = performance.now();
    await encode(text);
    ns[name] = ((performance.now() - start) * 1e6) / Buffer.byteLength(text);
  }
  return ns;
}
