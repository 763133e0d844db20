import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import { given, list, numberOf, numbersOf, readOptions } from "../command-line.ts";
import { readBandwidth } from "../bandwidth/read-bandwidth.ts";
import { LineProcess } from "../line-process.ts";
import { defaultCache } from "../peers/install.ts";
import type { Row } from "../report.ts";
import { Report } from "../report.ts";
import { interleave, median } from "../statistics.ts";
import { buildPrompts } from "../workloads.ts";
import type { Generated, Opened, Request } from "./protocol.ts";

const HELP = `npm run bench -- generate --model DIR [OPTION…]
Reading a prompt and writing tokens after it, one by one, each runtime in a process of its own, taking turns.

  --model DIR       a checkpoint folder with tokenizer files
  --device LIST     ours: reference, wasm, wasm/int8, webgpu  (wasm)
  --peers LIST      llama.cpp/bf16|q8_0[/vulkan], onnxruntime/fp32|q8|q4
  --gguf PATH       the checkpoint's GGUF files, without '-bf16.gguf'
  --onnx DIR        what make_onnx.py --causal made of the checkpoint
  --prompts LIST    tokens of the prompts  (16,512)
  --new-tokens N    (32)
  --threads N       (2)
  --adapter NAME    WebGPU adapter, for ours
  --rounds N        (3)
  --cache DIR       where the peers' packages are installed  ($QWEN3_BENCH_CACHE)
  --json FILE       write the report as JSON too`;

const OPTIONS = {
  model: { type: "string" },
  device: { type: "string", default: "wasm" },
  peers: { type: "string", default: "" },
  gguf: { type: "string", default: "" },
  onnx: { type: "string", default: "" },
  prompts: { type: "string", default: "16,512" },
  "new-tokens": { type: "string", default: "32" },
  threads: { type: "string", default: "2" },
  adapter: { type: "string" },
  rounds: { type: "string", default: "3" },
  cache: { type: "string" },
  json: { type: "string" },
} as const;

interface Spec {
  readonly label: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Contender extends Opened {
  readonly label: string;
  readonly process: LineProcess;
}

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const model = given(values.model, "--model DIR");
  const specs = [
    ...list(values.device).map((text) => ownSpec(text, model, values)),
    ...list(values.peers).map((text) => peerSpec(text, values)),
  ];
  const contenders: Contender[] = [];
  for (const spec of specs) contenders.push(await start(spec));
  const about: Record<string, object> = Object.fromEntries(
    contenders.map((contender) => [contender.label, contender.about]),
  );
  const bandwidth = await readBandwidth(numberOf(values.threads, "--threads"));
  about["memory"] = { "read GB/s": Number(bandwidth.toPrecision(3)), threads: numberOf(values.threads, "--threads") };
  const report = new Report({ bench: "generate", options: values, about, jsonFile: values.json });
  const tokenizer = await Tokenizer.fromFile(join(model, "tokenizer.json"));
  const lengths = numbersOf(values.prompts, "--prompts");
  const prompts = buildPrompts(lengths, (text) => tokenizer.encode(text).ids.length);
  for (const [i, prompt] of prompts.entries()) {
    const rows = await measure(contenders, {
      prompt,
      promptTokens: lengths[i] ?? 0,
      newTokens: numberOf(values["new-tokens"], "--new-tokens"),
      rounds: numberOf(values.rounds, "--rounds"),
      bandwidth,
    });
    report.add({ title: `${lengths[i]} tokens of prompt, ${values["new-tokens"]} after it`, rows });
  }
  for (const contender of contenders) await contender.process.end({ kind: "close" } satisfies Request);
}

interface Plan {
  readonly prompt: string;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly rounds: number;
  /** GB/s at which the host's threads can read memory. */
  readonly bandwidth: number;
}

async function measure(contenders: readonly Contender[], plan: Plan): Promise<Row[]> {
  const generate = ({ process: child }: Contender): Promise<Generated> => {
    const request: Request = { kind: "generate", prompt: plan.prompt, newTokens: plan.newTokens };
    return child.ask(request);
  };
  const warm = new Map<Contender, Generated>();
  for (const contender of contenders) warm.set(contender, await generate(contender));
  const results = await interleave(contenders, plan.rounds, generate);
  const expected = contenders.map((contender) => warm.get(contender)?.ids ?? [])[0] ?? [];
  return contenders.map((contender) => {
    const runs = results.get(contender) ?? [];
    const perToken = median(runs.map(({ restMs }) => restMs)) / (plan.newTokens - 1);
    const readRate = contender.weightBytes / perToken / 1e6;
    const firstMs = median(runs.map((generated) => generated.firstMs));
    return {
      runtime: contender.label,
      "first token ms": firstMs,
      "prompt tokens/s": (plan.promptTokens / firstMs) * 1e3,
      "ms per token": perToken,
      "tokens/s": 1e3 / perToken,
      "weights read GB/s": readRate,
      "of memory's": contender.inHostMemory ? `${Math.round((100 * readRate) / plan.bandwidth)} %` : null,
      "ids as the first's": `${commonStart(expected, warm.get(contender)?.ids ?? [])} of ${plan.newTokens}`,
    };
  });
}

/** How many ids are the same until the first that is not. */
function commonStart(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((id, i) => b[i] !== id);
  return different < 0 ? a.length : different;
}

async function start({ label, driver, options, env }: Spec): Promise<Contender> {
  console.error(`starting ${label}`);
  const child = fileURLToPath(new URL("child.js", import.meta.url));
  const started = new LineProcess({ label, command: [process.execPath, child], ...(env ? { env } : {}) });
  const url = new URL(`../peers/${driver}.js`, import.meta.url).href;
  const opened = await started.ask<Opened>({ kind: "open", driver: url, options } satisfies Request);
  return { label, process: started, ...opened };
}

interface Settings {
  readonly threads: string;
  readonly adapter?: string;
  readonly gguf: string;
  readonly onnx: string;
  readonly cache?: string;
}

function ownSpec(text: string, model: string, { threads, adapter }: Settings): Spec {
  const [device = "", dtype] = text.split("/");
  const options = {
    model,
    device,
    ...(dtype === undefined ? {} : { dtype }),
    ...(device === "webgpu" ? (adapter === undefined ? {} : { adapter }) : { threads }),
  };
  return { label: `ours ${text}`, driver: "qwen3-ts-causal", options };
}

function peerSpec(text: string, { threads, gguf, onnx, cache = defaultCache() }: Settings): Spec {
  const [name, type, gpu = "false"] = text.split("/");
  if (name === "onnxruntime") {
    const options = { onnx, dtype: type ?? "fp32", threads, cache };
    return { label: text, driver: "onnxruntime-causal", options };
  }
  if (name !== "llama.cpp") throw new Error(`peer '${text}': expected llama.cpp/TYPE or onnxruntime/TYPE`);
  const options = { gguf: `${gguf}-${type ?? "bf16"}.gguf`, gpu, threads, cache };
  return { label: text, driver: "node-llama-cpp-causal", options, env: { GGML_VK_VISIBLE_DEVICES: "0" } };
}
