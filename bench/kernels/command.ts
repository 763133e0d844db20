import { list, numberOf, numbersOf, readOptions } from "../command-line.ts";
import type { Row } from "../report.ts";
import { Report } from "../report.ts";
import { interleave, median } from "../statistics.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import { SHAPES } from "../synthetic/shapes.ts";
import { KERNEL_OPS, kernelCase } from "./cases.ts";
import { KernelProcess } from "./kernel-process.ts";
import type { CaseName, Measured } from "./protocol.ts";
import { ownSpec, specs } from "./specs.ts";

/** As many as the reference computes in about a second per product of the largest shape. */
const CHECKED_ROWS = 17;

const HELP = `npm run bench -- kernels [OPTION…]
Every operation at the sizes of real models, each contender in a process of its own, taking turns.

  --device LIST   ours: reference, wasm, wasm/int8, webgpu  (wasm)
  --peers LIST    onnxruntime/cpu, onnxruntime/webgpu: float32 MatMul at the same sizes
  --shape LIST    ${Object.keys(SHAPES).join(", ")}  (0.6b)
  --rows LIST     tokens at once  (1,16,128,512,2048)
  --ops LIST      ${KERNEL_OPS.join(", ")}  (all)
  --check         compare our results with the reference backend's first
  --wgsl FILE     WGSL of your own, checked against the reference and timed beside the built-in kernel
  --op NAME       which it stands in for: matmul, or any file of src/kernels/wgsl without '.wgsl'  (matmul)
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
  check: { type: "boolean", default: false },
  wgsl: { type: "string" },
  op: { type: "string", default: "matmul" },
  rounds: { type: "string", default: "5" },
  threads: { type: "string", default: "2" },
  adapter: { type: "string" },
  cache: { type: "string" },
  json: { type: "string" },
} as const;

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const rounds = numberOf(values.rounds, "--rounds");
  const contenders: KernelProcess[] = [];
  for (const spec of specs(values)) contenders.push(await KernelProcess.start(spec));
  const reference =
    values.check || values.wgsl !== undefined ? await KernelProcess.start(ownSpec("reference", {})) : undefined;
  const about = Object.fromEntries(contenders.map(({ label, opened }) => [label, opened]));
  const report = new Report({ bench: "kernels", options: values, about, jsonFile: values.json });
  for (const shape of list(values.shape)) {
    const sizes = SHAPES[shape];
    if (!sizes) throw new Error(`--shape ${shape}: expected ${Object.keys(SHAPES).join(", ")}`);
    const cases = caseNames(sizes, list(values.ops), numbersOf(values.rows, "--rows"));
    if (reference) {
      const rows = await checkAll(reference, contenders, cases);
      report.add({ title: `Shape ${shape}, against the reference`, rows });
    }
    report.add({ title: `Shape ${shape}`, rows: await measureAll(contenders, cases, rounds) });
  }
  for (const contender of [...contenders, ...(reference ? [reference] : [])]) await contender.close();
}

/** A decode step has one row, whatever rows the other operations are measured at. */
function caseNames(sizes: ConfigSizes, ops: readonly string[], rowCounts: readonly number[]): CaseName[] {
  return ops.flatMap((op) => (op === "decode attention" ? [1] : rowCounts).map((rows) => ({ op, rows, sizes })));
}

/** Largest difference from the reference, over the largest value, at as many rows as it can do in reasonable time. */
async function checkAll(
  reference: KernelProcess,
  contenders: readonly KernelProcess[],
  cases: readonly CaseName[],
): Promise<Row[]> {
  const rows: Row[] = [];
  const small = new Map(
    cases
      .map((name) => ({ ...name, rows: Math.min(name.rows, CHECKED_ROWS) }))
      .map((name) => [`${name.op} ${name.rows}`, name]),
  );
  for (const name of small.values()) {
    console.error(`checking ${name.op}, ${name.rows} rows`);
    const expected = await reference.compute(name);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const contender of contenders) {
      const got = await contender.compute(name);
      if (got.length === 0) continue;
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] ?? Number.NaN))), 0);
      rows.push({ op: name.op, rows: name.rows, kernels: contender.label, "max error / max value": worst / largest });
    }
  }
  return rows;
}

async function measureAll(
  contenders: readonly KernelProcess[],
  cases: readonly CaseName[],
  rounds: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of cases) {
    console.error(`${name.op}, ${name.rows} rows`);
    const able: KernelProcess[] = [];
    for (const contender of contenders) if (await contender.prepare(name)) able.push(contender);
    const times = await interleave(able, rounds, (contender) => contender.measure());
    for (const contender of able) rows.push(row(name, contender, times.get(contender) ?? []));
  }
  return rows;
}

function row({ op, rows, sizes }: CaseName, { label, opened }: KernelProcess, times: readonly Measured[]): Row {
  const { flops, bytes } = kernelCase(sizes, op, rows);
  const ms = median(times.map((time) => time.ms));
  const deviceTimes = times.flatMap(({ deviceMs }) => (deviceMs === undefined ? [] : [deviceMs]));
  const deviceMs = deviceTimes.length > 0 ? median(deviceTimes) : null;
  const spent = deviceMs ?? ms;
  const { roofline } = opened;
  const possible = roofline ? Math.max(flops / roofline.gflops, bytes / roofline.gbs) / 1e6 : null;
  return {
    op,
    rows,
    kernels: label,
    ms,
    "GPU ms": deviceMs,
    "GFLOP/s": flops / spent / 1e6,
    "GB/s": bytes / spent / 1e6,
    "of what the adapter can": possible === null ? null : `${((100 * possible) / spent).toFixed(1)} %`,
  };
}
