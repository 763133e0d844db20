import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Contender } from "../encode/contender.ts";
import { ownContenders } from "../encode/specs.ts";
import type { Row } from "../report.ts";
import { publish } from "../report.ts";
import { interleave, median } from "../statistics.ts";

const HELP = `npm run bench -- load --model DIR [OPTION…]
How long a checkpoint takes to load and how much memory that needs at most, each time in a new process.

  --model DIR     a checkpoint folder
  --device LIST   reference, wasm, wasm/int8, webgpu, …  (wasm)
  --threads N     (2)
  --adapter NAME  WebGPU adapter
  --rounds N      (3)
  --json FILE     write the report as JSON too`;

const OPTIONS = {
  model: { type: "string" },
  device: { type: "string", default: "wasm" },
  threads: { type: "string", default: "2" },
  adapter: { type: "string" },
  rounds: { type: "string", default: "3" },
  json: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

interface Loading {
  readonly loadMs: number;
  readonly peakBytes: number;
  /** Reading the files and doing nothing with them, just before. */
  readonly readMs: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const { model } = values;
  if (values.help || model === undefined) {
    console.log(HELP);
    return;
  }
  const files = readdirSync(model).filter((file) => file.endsWith(".safetensors"));
  const paths = files.map((file) => join(model, file));
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  const settings = { ...values, model, nodes: [process.execPath], python: "", cache: "" };
  const specs = ownContenders(values.device.split(","), settings);
  const about: Record<string, unknown> = {};
  const results = await interleave(specs, Number(values.rounds), async (spec): Promise<Loading> => {
    console.error(`loading ${spec.label}`);
    const readMs = readAll(paths);
    const contender = await Contender.open(spec);
    about[spec.label] = contender.opened.about;
    const { loadMs, peakBytes } = contender.opened;
    await contender.close();
    return { loadMs, peakBytes, readMs };
  });
  const rows = specs.map((spec) => row(spec.label, bytes, results.get(spec) ?? []));
  publish({ bench: "load", options: values, about, tables: [{ title: model, rows }] }, values.json);
}

function row(runtime: string, fileBytes: number, loadings: readonly Loading[]): Row {
  const peak = Math.max(...loadings.map(({ peakBytes }) => peakBytes));
  const load = median(loadings.map(({ loadMs }) => loadMs));
  const read = median(loadings.map(({ readMs }) => readMs));
  return {
    runtime,
    "file MB": fileBytes / 1e6,
    "peak MB": peak / 1e6,
    "peak above file MB": (peak - fileBytes) / 1e6,
    "load s": load / 1e3,
    "reading the file s": read / 1e3,
    "load / read": load / read,
  };
}

/** Milliseconds to read files from beginning to end into one buffer. */
function readAll(paths: readonly string[]): number {
  const start = performance.now();
  const buffer = new Uint8Array(8 * 2 ** 20);
  for (const path of paths) {
    const descriptor = openSync(path, "r");
    while (readSync(descriptor, buffer) > 0);
    closeSync(descriptor);
  }
  return performance.now() - start;
}
