import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommand } from "./run-command.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const QUERY = "What is the capital of China?";
const DOCUMENTS = ["Gravity is a force.", "The capital of China is Beijing."];
const GENERATE = ["generate", "The capital of China is", "--model", "qwen3-reranker-tiny", "--raw", "-n", "5"];

async function json<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runCommand([...args, "--json", "--quiet"]);
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout.toString()) as T;
}

describe("qwen3 rerank", () => {
  it("prints P(yes), the document's number and the document, best first", async () => {
    const { code, stdout, stderr } = await runCommand(["rerank", QUERY, ...DOCUMENTS]);
    assert.equal(code, 0);
    assert.match(stdout.toString(), /^0\.9526 {2}2 {2}The capital of China is Beijing\.\n0\.0\d{3} {2}1 {2}Gravity/);
    assert.match(stderr, /bundled qwen3-reranker-tiny, a demonstration model/);
  });

  it("reads documents from a file and keeps the best", async () => {
    using folder = new TemporaryFolder().write({ "documents.json": JSON.stringify(DOCUMENTS) });
    const input = ["--input", folder.file("documents.json")];
    const [best, ...others] = await json<Ranked[]>(["rerank", QUERY, ...input, "--top", "1"]);
    assert.deepEqual([best?.index, best?.document, others], [1, DOCUMENTS[1], []]);
    const [other] = await json<Ranked[]>(["rerank", QUERY, ...input, "--instruction", "Find physics"]);
    assert.notEqual(other?.score, best?.score);
  });
});

interface Ranked {
  readonly index: number;
  readonly score: number;
  readonly document: string;
}

describe("qwen3 search --rerank", () => {
  it("judges the candidates of both lists and adds the cosine", async () => {
    using folder = new TemporaryFolder().write({
      "gravity.txt": `${DOCUMENTS[0]}\n`,
      "china.txt": `${DOCUMENTS[1]}\n`,
      "capital.txt": "Capital letters are larger than small ones.\n",
    });
    const search = ["search", QUERY, folder.path, "--no-index"];
    const { results } = await json<{ results: readonly Result[] }>([...search, "--rerank"]);
    assert.match(results[0]?.path ?? "", /china\.txt$/);
    for (const { score, reranker, vector } of results) {
      const p = reranker?.score ?? Number.NaN;
      assert.ok(Math.abs(score - (Math.log(p / (1 - p)) + 5 * (vector?.score ?? Number.NaN))) < 1e-9);
    }
    const words = await json<{ results: readonly Result[] }>([...search, "--rerank", "--keyword"]);
    assert.deepEqual(words.results.map(({ vector }) => vector), words.results.map(() => undefined)); // oxfmt-ignore
    assert.match(words.results[0]?.path ?? "", /china\.txt$/);
  });
});

interface Result {
  readonly path: string;
  readonly score: number;
  readonly reranker?: { readonly score: number };
  readonly vector?: { readonly score: number };
}

describe("qwen3 generate", () => {
  it("streams the text, and gives ids, logprobs and timings as JSON", async () => {
    const { code, stdout, stderr } = await runCommand([...GENERATE, "--quiet"]);
    assert.deepEqual([code, stderr], [0, ""]);
    const answer = await json<Generated>(GENERATE);
    assert.equal(stdout.toString(), `${answer.text}\n`);
    assert.deepEqual([answer.ids.length, answer.logprobs.length, answer.finishReason], [5, 5, "length"]);
    assert.ok(answer.logprobs.every((logprob) => logprob < 0));
    assert.ok(answer.timings.tokensPerSecond > 0 && answer.timings.prefillMs > 0);
  });

  it("samples what the seed says and ends before a stop string", async () => {
    const sampled = [...GENERATE, "--temperature", "2", "--top-k", "50", "--seed", "4"];
    const first = await json<Generated>(sampled);
    assert.deepEqual((await json<Generated>(sampled)).ids, first.ids);
    const stopped = await json<Generated>([...sampled, "--stop", "zzz", first.text.slice(4, 8)]);
    assert.equal(stopped.text, first.text.slice(0, 4));
    assert.equal(stopped.finishReason, "stop");
  });

  it("explains what it needs", async () => {
    const failing = async (args: readonly string[], exitCode: number, message: RegExp): Promise<void> => {
      const { code, stderr } = await runCommand([...args, "--quiet"]);
      assert.equal(code, exitCode);
      assert.match(stderr, message);
    };
    await failing(["generate", "a"], 2, /no model that writes text comes with the package; name one: --model/);
    await failing([...GENERATE, "--system", "b"], 2, /--system and --raw contradict each other/);
    await failing([...GENERATE, "--temperature", "hot"], 2, /Expected a number/);
    await failing(["generate", "a", "-m", "qwen3-reranker-tiny", "--system", "b"], 1, /has no chat template/);
    await failing([...GENERATE.slice(0, -1), "99999"], 1, /the model's context holds 2048/);
  });
});

interface Generated {
  readonly text: string;
  readonly ids: readonly number[];
  readonly logprobs: readonly number[];
  readonly finishReason: string;
  readonly timings: { readonly tokensPerSecond: number; readonly prefillMs: number };
}
