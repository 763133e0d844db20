import { EmbeddingModel } from "../../src/index.ts";
import { WebGpuBackend } from "../../src/kernels/webgpu/webgpu-backend.ts";
import { given, list, numberOf, readOptions } from "../command-line.ts";
import type { Row } from "../report.ts";
import { publish } from "../report.ts";
import { median } from "../statistics.ts";
import { StageClock, type Stages } from "./stages.ts";

const HELP = `npm run bench -- host --model DIR [OPTION…]
What the host does for a batch before the GPU has it, stage by stage, on WebGPU. Queries of one length after another, so
that a batch has the same shape as the one before it; the first of a new length plans everything anew.

  --model DIR     a checkpoint folder
  --tokens LIST   of a query  (16)
  --batches N     measured, after as many to warm up  (60)
  --adapter NAME  WebGPU adapter
  --json FILE     write the report as JSON too`;

const OPTIONS = {
  model: { type: "string" },
  tokens: { type: "string", default: "16" },
  batches: { type: "string", default: "60" },
  adapter: { type: "string" },
  json: { type: "string" },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const folder = given(values.model, "--model DIR");
  const batches = numberOf(values.batches, "--batches");
  const { adapter } = values;
  const backend = await WebGpuBackend.create(adapter === undefined ? {} : { adapter });
  const about = { [backend.device.description]: backend.device.details };
  const clock = new StageClock(backend);
  const model = await EmbeddingModel.load(folder, { backend });
  const rows: Row[] = [];
  for (const text of list(values.tokens)) {
    const tokens = numberOf(text, "--tokens");
    const encode = (n: number): Promise<Stages> => clock.measure(() => model.encodeIds([query(tokens, n)]));
    const first = await encode(0);
    for (let n = 0; n < batches; n++) await encode(n);
    const measured: Stages[] = [];
    for (let n = 0; n < batches; n++) measured.push(await encode(n));
    rows.push(row(tokens, measured, first));
  }
  await model.dispose();
  publish({ bench: "host", options: values, about, tables: [{ title: folder, rows }] }, values.json);
}

function query(tokens: number, n: number): Uint32Array {
  return Uint32Array.from({ length: tokens }, (_, i) => 100 + i + n);
}

function row(tokens: number, measured: readonly Stages[], first: Stages): Row {
  const stage = (name: keyof Stages): number => median(measured.map((stages) => stages[name]));
  return {
    tokens,
    "recording ms": stage("recording"),
    "planning ms": stage("planning"),
    "encoding ms": stage("encoding"),
    "submitting ms": stage("submitting"),
    "all ms": median(measured.map(total)),
    "best ms": Math.min(...measured.map(total)),
    "first of its length ms": total(first),
  };
}

function total({ recording, planning, encoding, submitting }: Stages): number {
  return recording + planning + encoding + submitting;
}
