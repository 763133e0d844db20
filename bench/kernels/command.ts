import { parseArgs } from "node:util";
import type { Backend, BackendKind } from "../../src/kernels/backend.ts";
import type { BackendOptions } from "../../src/kernels/create-backend.ts";
import { createBackend } from "../../src/kernels/create-backend.ts";
import type { Row, Table } from "../report.ts";
import { publish } from "../report.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import { SHAPES } from "../synthetic/shapes.ts";
import { BenchWeights } from "./bench-weights.ts";
import type { KernelCase } from "./cases.ts";
import { KERNEL_OPS, kernelCases } from "./cases.ts";
import { CaseTimer, timeInTurns } from "./time-case.ts";

const HELP = `npm run bench -- kernels [OPTION…]
Every operation at the sizes of real models, on one backend or several taking turns.

  --device LIST   reference, wasm, webgpu  (wasm)
  --shape LIST    ${Object.keys(SHAPES).join(", ")}  (0.6b)
  --rows LIST     tokens at once  (1,16,128,512,2048)
  --ops LIST      ${KERNEL_OPS.join(", ")}  (all)
  --json FILE     write the report as JSON too`;

const OPTIONS = {
  device: { type: "string", default: "wasm" },
  shape: { type: "string", default: "0.6b" },
  rows: { type: "string", default: "1,16,128,512,2048" },
  ops: { type: "string", default: KERNEL_OPS.join(",") },
  json: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const kinds = values.device.split(",") as BackendKind[];
  const about: Record<string, unknown> = {};
  const tables: Table[] = [];
  for (const shape of values.shape.split(",")) {
    const sizes = SHAPES[shape];
    if (!sizes) throw new Error(`--shape ${shape}: expected ${Object.keys(SHAPES).join(", ")}`);
    const backends: Backend[] = [];
    for (const kind of kinds) backends.push(await prepared(kind, sizes));
    for (const { kind, device } of backends) about[kind] = { device: device.description, ...device.details };
    const cases = kernelCases(sizes, values.ops.split(","), values.rows.split(",").map(Number));
    tables.push({ title: `Shape ${shape}`, rows: await measureShape(backends, cases) });
    for (const backend of backends) await backend.dispose();
  }
  publish({ bench: "kernels", options: values, about, tables }, values.json);
}

async function prepared(kind: BackendKind, sizes: ConfigSizes): Promise<Backend> {
  const backend = await createBackend({ kind } as BackendOptions);
  await backend.prepare({
    hiddenSize: sizes.hidden_size,
    intermediateSize: sizes.intermediate_size,
    numHiddenLayers: sizes.num_hidden_layers,
    numAttentionHeads: sizes.num_attention_heads,
    numKeyValueHeads: sizes.num_key_value_heads,
    headDim: sizes.head_dim,
    vocabSize: sizes.vocab_size,
  });
  return backend;
}

async function measureShape(backends: readonly Backend[], cases: readonly KernelCase[]): Promise<Row[]> {
  const weights = backends.map((backend) => new BenchWeights(backend));
  const rows: Row[] = [];
  for (const kernel of cases) {
    console.error(`${kernel.op}, ${kernel.rows} rows`);
    const timers: CaseTimer[] = [];
    for (const [i, backend] of backends.entries()) {
      const own = weights[i];
      if (own) timers.push(new CaseTimer(backend, await kernel.prepare(own)));
    }
    for (const [i, milliseconds] of (await timeInTurns(timers)).entries()) {
      rows.push(row(kernel, backends[i]?.kind ?? "", milliseconds));
    }
  }
  return rows;
}

function row(kernel: KernelCase, backend: string, milliseconds: number): Row {
  return {
    op: kernel.op,
    rows: kernel.rows,
    backend,
    ms: milliseconds,
    "GFLOP/s": kernel.flops / milliseconds / 1e6,
    "GB/s": kernel.bytes / milliseconds / 1e6,
  };
}
