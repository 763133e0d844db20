import type { LoadOptions } from "../../src/index.ts";
import { RerankerModel } from "../../src/index.ts";
import { numberOf, numbersOf, readOptions } from "../command-line.ts";
import type { Row } from "../report.ts";
import { publish } from "../report.ts";
import { interleave, median } from "../statistics.ts";
import { buildRerankWorkload } from "../workloads.ts";

const HELP = `npm run bench -- rerank --model DIR [OPTION…]
Documents of 100 to 300 tokens against one query: in one call, which computes what they share once, and a pair a call.

  --model DIR       a checkpoint folder with tokenizer files  (the bundled reranker)
  --device KIND     reference, wasm, webgpu  (wasm)
  --dtype TYPE      auto, f32, bf16, int8  (auto)
  --documents LIST  how many at once  (8,100)
  --threads N       (2)
  --adapter NAME    WebGPU adapter
  --rounds N        0: the first time counts, for what takes minutes  (3)
  --json FILE       write the report as JSON too`;

const OPTIONS = {
  model: { type: "string" },
  device: { type: "string", default: "wasm" },
  dtype: { type: "string", default: "auto" },
  documents: { type: "string", default: "8,100" },
  threads: { type: "string", default: "2" },
  adapter: { type: "string" },
  rounds: { type: "string", default: "3" },
  json: { type: "string" },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const { device, dtype, adapter } = values;
  const options = { device, dtype, adapter, threads: numberOf(values.threads, "--threads") } as LoadOptions;
  await using model = await RerankerModel.load(values.model, options);
  const rows: Row[] = [];
  for (const count of numbersOf(values.documents, "--documents")) {
    rows.push(...(await measure(model, count, numberOf(values.rounds, "--rounds"))));
  }
  const about = { ours: { device: model.device.description, ...model.device.details } };
  publish({ bench: "rerank", options: values, about, tables: [{ title: "Reranking", rows }] }, values.json);
}

async function measure(model: RerankerModel, count: number, rounds: number): Promise<Row[]> {
  const { tokenizer } = model;
  const counted = (text: string): number => tokenizer?.encode(text, { addSpecialTokens: false }).ids.length ?? 0;
  const { query, documents } = buildRerankWorkload(count, counted);
  const pairs = documents.map((document) => [query, document] as const);
  const tokens = pairs.reduce((sum, pair) => sum + model.encodePair(...pair).length, 0);
  const ways = {
    "all in one call": () => model.score(pairs),
    "a pair a call": async () => {
      const scores: number[] = [];
      for (const pair of pairs) scores.push(...(await model.score([pair])));
      return Float32Array.from(scores);
    },
  };
  const names = Object.keys(ways) as (keyof typeof ways)[];
  const timed = async (name: keyof typeof ways): Promise<{ scores: Float32Array; ms: number }> => {
    const start = performance.now();
    const scores = await ways[name]();
    return { scores, ms: performance.now() - start };
  };
  const first = { "all in one call": await timed("all in one call"), "a pair a call": await timed("a pair a call") };
  const [together, alone] = [first["all in one call"].scores, first["a pair a call"].scores];
  const difference = together.reduce((most, score, i) => Math.max(most, Math.abs(score - (alone[i] ?? Number.NaN))), 0);
  const times = await interleave(names, rounds, async (name) => (await timed(name)).ms);
  return names.map((name) => {
    const ms = rounds === 0 ? first[name].ms : median(times.get(name) ?? []);
    return {
      documents: count,
      "tokens of all pairs": tokens,
      computed: name,
      "median ms": ms,
      "documents/s": (count / ms) * 1e3,
      "largest difference in P(yes)": difference,
    };
  });
}
