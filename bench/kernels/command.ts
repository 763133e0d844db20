import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { defaultCache } from "../peers/install.ts";
import { LineProcess } from "../line-process.ts";
import type { Row, Table } from "../report.ts";
import { publish } from "../report.ts";
import { interleave, median } from "../statistics.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import { SHAPES } from "../synthetic/shapes.ts";
import { KERNEL_OPS, kernelCase } from "./cases.ts";
import type { CaseName, Measured, Opened, Prepared, Request } from "./protocol.ts";

const HELP = `npm run bench -- kernels [OPTION…]
Every operation at the sizes of real models, each contender in a process of its own, taking turns.

  --device LIST   ours: reference, wasm, webgpu  (wasm)
  --peers LIST    onnxruntime/cpu, onnxruntime/webgpu: float32 MatMul at the same sizes
  --shape LIST    ${Object.keys(SHAPES).join(", ")}  (0.6b)
  --rows LIST     tokens at once  (1,16,128,512,2048)
  --ops LIST      ${KERNEL_OPS.join(", ")}  (all)
  --rounds N      measurements of each  (5)
  --threads N     (2)
  --adapter NAME  WebGPU adapter, for ours
  --cache DIR     where the peers' packages are installed  ($QWEN3_BENCH_CACHE)
  --json FILE     write the report as JSON too`;

const OPTIONS = {
  device: { type: "string", default: "wasm" },
  peers: { type: "string", default: "" },
  shape: { type: "string", default: "0.6b" },
  rows: { type: "string", default: "1,16,128,512,2048" },
  ops: { type: "string", default: KERNEL_OPS.join(",") },
  rounds: { type: "string", default: "5" },
  threads: { type: "string", default: "2" },
  adapter: { type: "string" },
  cache: { type: "string" },
  json: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** A process that runs kernels, and how the table names it. */
interface Contender {
  readonly label: string;
  readonly process: LineProcess;
  readonly about: Opened["about"];
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const contenders: Contender[] = [];
  const { threads, adapter } = values;
  for (const kind of list(values.device)) {
    const gpu = adapter === undefined ? {} : { adapter };
    contenders.push(
      await start(`ours ${kind}`, "backend-driver", { kind, ...(kind === "webgpu" ? gpu : { threads }) }),
    );
  }
  for (const peer of list(values.peers)) {
    const [name, provider = "cpu"] = peer.split("/");
    if (name !== "onnxruntime") throw new Error(`peer '${peer}': expected onnxruntime/cpu or onnxruntime/webgpu`);
    const cache = values.cache ?? defaultCache();
    contenders.push(await start(peer, "../peers/onnxruntime-matmul", { provider, threads, cache }));
  }
  const tables: Table[] = [];
  for (const shape of list(values.shape)) {
    const sizes = SHAPES[shape];
    if (!sizes) throw new Error(`--shape ${shape}: expected ${Object.keys(SHAPES).join(", ")}`);
    const cases = caseNames(sizes, list(values.ops), list(values.rows).map(Number));
    tables.push({ title: `Shape ${shape}`, rows: await measureAll(contenders, cases, Number(values.rounds)) });
  }
  const about = Object.fromEntries(contenders.map((contender) => [contender.label, contender.about]));
  publish({ bench: "kernels", options: values, about, tables }, values.json);
  for (const contender of contenders) await contender.process.end({ kind: "close" } satisfies Request);
}

function list(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

async function start(label: string, module: string, options: Readonly<Record<string, string>>): Promise<Contender> {
  const child = fileURLToPath(new URL("child.js", import.meta.url));
  const started = new LineProcess({ label, command: [process.execPath, child] });
  const driver = new URL(`${module}.js`, import.meta.url).href;
  const { about } = await started.ask<Opened>({ kind: "open", driver, options } satisfies Request);
  return { label, process: started, about };
}

/** A decode step has one row, whatever rows the other operations are measured at. */
function caseNames(sizes: ConfigSizes, ops: readonly string[], rowCounts: readonly number[]): CaseName[] {
  return ops.flatMap((op) => (op === "decode attention" ? [1] : rowCounts).map((rows) => ({ op, rows, sizes })));
}

async function measureAll(
  contenders: readonly Contender[],
  cases: readonly CaseName[],
  rounds: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of cases) {
    console.error(`${name.op}, ${name.rows} rows`);
    const able: Contender[] = [];
    for (const contender of contenders) {
      const { supported } = await contender.process.ask<Prepared>({ kind: "prepare", case: name } satisfies Request);
      if (supported) able.push(contender);
    }
    const times = await interleave(able, rounds, async ({ process: child }) => {
      return (await child.ask<Measured>({ kind: "measure" } satisfies Request)).ms;
    });
    for (const contender of able) rows.push(row(name, contender.label, median(times.get(contender) ?? [])));
  }
  return rows;
}

function row({ op, rows, sizes }: CaseName, kernels: string, milliseconds: number): Row {
  const { flops, bytes } = kernelCase(sizes, op, rows);
  return {
    op,
    rows,
    kernels,
    ms: milliseconds,
    "GFLOP/s": flops / milliseconds / 1e6,
    "GB/s": bytes / milliseconds / 1e6,
  };
}
