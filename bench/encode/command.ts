import { join } from "node:path";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import { given, list, numberOf, readOptions } from "../command-line.ts";
import { defaultCache } from "../peers/install.ts";
import type { Row } from "../report.ts";
import { Report } from "../report.ts";
import { cosine, interleave, median } from "../statistics.ts";
import type { Workload } from "../workloads.ts";
import { buildWorkloads, WORKLOAD_NAMES } from "../workloads.ts";
import type { ContenderSpec } from "./contender.ts";
import { Contender } from "./contender.ts";
import type { Encoded } from "./protocol.ts";
import type { Settings } from "./specs.ts";
import { ownContenders, peerContenders } from "./specs.ts";

const HELP = `npm run bench -- encode --model DIR [OPTION…]
Texts to vectors, whole runtimes against each other, each in a process of its own, taking turns.

  --model DIR        a checkpoint folder with tokenizer files
  --device LIST      ours: reference, wasm, wasm/int8, webgpu, …  DEVICE/DTYPE/revectorize@MAX-BATCH-TOKENS+NODE-FLAG  (wasm)
  --workloads LIST   ${WORKLOAD_NAMES.join(", ")}  (W1,W2s)
  --peers LIST       transformers.js/fp32|q8|q4[/webgpu][@BATCH], onnxruntime-web/fp32|q8, llama.cpp/bf16|q8_0[/vulkan],
                     sentence-transformers/float32|bfloat16[@BATCH]
  --onnx DIR         the checkpoint in transformers.js' layout, for transformers.js and onnxruntime-web
  --gguf PATH        its GGUF files, without '-bf16.gguf'
  --cache DIR        where the peers' packages are installed  ($QWEN3_BENCH_CACHE)
  --node LIST        executables of Node to run under; peers use the first  (this one)
  --python FILE      a Python with sentence-transformers  (python3)
  --threads N        (2)
  --adapter NAME     WebGPU adapter, for ours
  --rounds N         measured repetitions; 0: the first time counts, for what takes minutes  (per workload)
  --json FILE        write the report as JSON too`;

const OPTIONS = {
  model: { type: "string" },
  device: { type: "string", default: "wasm" },
  workloads: { type: "string", default: "W1,W2s" },
  peers: { type: "string", default: "" },
  onnx: { type: "string" },
  gguf: { type: "string" },
  cache: { type: "string" },
  node: { type: "string", default: process.execPath },
  python: { type: "string", default: "python3" },
  threads: { type: "string", default: "2" },
  adapter: { type: "string" },
  rounds: { type: "string" },
  json: { type: "string" },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const model = given(values.model, "--model DIR");
  const settings: Settings = {
    ...values,
    model,
    nodes: list(values.node),
    cache: values.cache ?? defaultCache(),
  };
  const specs = [...ownContenders(list(values.device), settings), ...peerContenders(list(values.peers), settings)];
  const tokenizer = await Tokenizer.fromFile(join(model, "tokenizer.json"));
  const workloads = buildWorkloads(list(values.workloads), (text) => tokenizer.encode(text).ids.length);
  const starts = await openAll(specs, workloads[0]?.variants[0]?.slice(0, 1) ?? []);
  try {
    const about = Object.fromEntries(starts.map(({ contender: { spec, opened } }) => [spec.label, opened.about]));
    const report = new Report({ bench: "encode", options: values, about, jsonFile: values.json });
    report.add({ title: "Start", rows: starts.map(startRow) });
    for (const workload of workloads) {
      console.error(`measuring ${workload.name}`);
      const rounds = values.rounds === undefined ? workload.rounds : numberOf(values.rounds, "--rounds");
      const rows = await measure(workload, starts, rounds);
      report.add({ title: `${workload.name}: ${workload.description}`, rows });
    }
  } finally {
    for (const { contender } of starts) await contender.close();
  }
}

interface Started {
  readonly contender: Contender;
  /** From starting the process to its first vector. */
  readonly firstResultMs: number;
}

/** One after the other, so that each one's loading has the machine for itself. */
async function openAll(specs: readonly ContenderSpec[], firstTexts: readonly string[]): Promise<Started[]> {
  const started: Started[] = [];
  for (const spec of specs) {
    console.error(`starting ${spec.label}`);
    const start = performance.now();
    const contender = await Contender.open(spec);
    await contender.encode(firstTexts);
    started.push({ contender, firstResultMs: performance.now() - start });
  }
  return started;
}

function startRow({ contender: { spec, opened }, firstResultMs }: Started): Row {
  return {
    runtime: spec.label,
    "load s": opened.loadMs / 1e3,
    "process start to first vector s": firstResultMs / 1e3,
    "resident after load MB": opened.residentBytes / 1e6,
    "peak while loading MB": opened.peakBytes / 1e6,
  };
}

async function measure(workload: Workload, started: readonly Started[], rounds: number): Promise<Row[]> {
  const contenders = started.map(({ contender }) => contender);
  const [texts = []] = workload.variants;
  const firsts = new Map<Contender, Encoded>();
  for (const contender of contenders) {
    await checkTokens(contender, workload, texts);
    firsts.set(contender, await contender.encode(texts, true));
  }
  const { variants } = workload;
  const results = await interleave(contenders, rounds, (contender, round) =>
    contender.encode(variants[(round + 1) % variants.length] ?? []),
  );
  const [reference = []] = [...firsts.values()].map(vectorsOf);
  return [...firsts].map(([contender, first]) => {
    const difference = 1 - worstCosine(reference, vectorsOf(first));
    const counted = rounds === 0 ? [first] : (results.get(contender) ?? []);
    return row(contender.spec.label, counted, workload, difference);
  });
}

function row(label: string, results: readonly Encoded[], workload: Workload, difference: number): Row {
  const times = results.map(({ ms }) => ms);
  const known = (values: readonly (number | null)[]): number | null => {
    const numbers = values.filter((value) => value !== null);
    return numbers.length === 0 ? null : median(numbers);
  };
  return {
    runtime: label,
    "median ms": median(times),
    "best ms": Math.min(...times),
    "tokens/s": (workload.tokens / median(times)) * 1e3,
    "CPU ms": median(results.map(({ cpuMs }) => cpuMs)),
    "host ms to submit": known(results.map(({ submitMs }) => submitMs)),
    "event loop late by ms": known(results.map(({ loopDelayMs }) => loopDelayMs)),
    "peak MB": Math.max(...results.map(({ peakBytes }) => peakBytes)) / 1e6,
    "1 − cosine to the first": difference,
  };
}

async function checkTokens(contender: Contender, workload: Workload, texts: readonly string[]): Promise<void> {
  const seen = await contender.countTokens(texts);
  const wrong = workload.lengths.findIndex((length, i) => seen[i] !== length);
  if (wrong >= 0) {
    const { label } = contender.spec;
    throw new Error(
      `${label}: ${workload.name} text ${wrong} has ${seen[wrong]} tokens, not ${workload.lengths[wrong]}`,
    );
  }
}

function worstCosine(reference: readonly Float32Array[], vectors: readonly Float32Array[]): number {
  return Math.min(...reference.map((vector, i) => cosine(vector, vectors[i] ?? new Float32Array())));
}

function vectorsOf({ vectors }: Encoded): Float32Array[] {
  return (vectors ?? []).map((text) => {
    const bytes = Buffer.from(text, "base64");
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  });
}
