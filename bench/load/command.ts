import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { given, list, numberOf, readOptions } from "../command-line.ts";
import { Contender } from "../encode/contender.ts";
import { ownContenders } from "../encode/specs.ts";
import type { Row } from "../report.ts";
import { publish } from "../report.ts";
import { interleave, median } from "../statistics.ts";
import type { Reading } from "./reading.ts";

const HELP = `npm run bench -- load --model DIR [OPTION…]
How long a checkpoint takes to load and to embed a first text, and how much memory that needs at most, each time in a new
process; and how long only reading its files takes.

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
} as const;

/** What loading may need at most: the weights and a seventh more, and what Node and a model of any size take. */
const ALLOWED_SHARE = 1.15;
const ALLOWED_BYTES = 300e6;

const TEXT = "What is the capital of China?";

interface Loading {
  readonly loadMs: number;
  readonly weightBytes: number;
  /** Until the model is ready. */
  readonly peakBytes: number;
  readonly firstVectorMs: number;
  /** With the first vector. */
  readonly endBytes: number;
  /** Reading the files, just before. */
  readonly reading: Reading;
}

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const model = given(values.model, "--model DIR");
  const files = readdirSync(model).filter((file) => file.endsWith(".safetensors"));
  const paths = files.map((file) => join(model, file));
  const settings = { ...values, model, nodes: [process.execPath], python: "", cache: "" };
  const specs = ownContenders(list(values.device), settings);
  const about: Record<string, unknown> = {};
  readAll(paths); // into the page cache
  const results = await interleave(specs, numberOf(values.rounds, "--rounds"), async (spec): Promise<Loading> => {
    console.error(`loading ${spec.label}`);
    const reading = readAll(paths);
    const contender = await Contender.open(spec);
    about[spec.label] = contender.opened.about;
    const { loadMs, peakBytes, about: opened } = contender.opened;
    const first = await contender.encode([TEXT]);
    await contender.close();
    const weightBytes = Number(opened["weightBytes"]);
    return { loadMs, weightBytes, peakBytes, firstVectorMs: first.ms, endBytes: first.peakBytes, reading };
  });
  const rows = specs.map((spec) => row(spec.label, results.get(spec) ?? []));
  publish({ bench: "load", options: values, about, tables: [{ title: model, rows }] }, values.json);
}

function row(runtime: string, loadings: readonly Loading[]): Row {
  const peak = Math.max(...loadings.map(({ peakBytes }) => peakBytes));
  const end = Math.max(...loadings.map(({ endBytes }) => endBytes));
  const weights = loadings[0]?.weightBytes ?? Number.NaN;
  const load = median(loadings.map(({ loadMs }) => loadMs));
  const first = median(loadings.map(({ firstVectorMs }) => firstVectorMs));
  const ready = median(loadings.map(({ loadMs, firstVectorMs }) => loadMs + firstVectorMs));
  const readUsed = median(loadings.map(({ reading }) => reading.usedMs));
  const readNew = median(loadings.map(({ reading }) => reading.newMs));
  return {
    runtime,
    "weights as kept MB": weights / 1e6,
    "peak MB": peak / 1e6,
    "allowed MB": (ALLOWED_SHARE * weights + ALLOWED_BYTES) / 1e6,
    "load s": load / 1e3,
    "first vector s": first / 1e3,
    "reading into new memory s": readNew / 1e3,
    "load and first vector ÷ that": ready / readNew,
    "reading into used memory s": readUsed / 1e3,
    "÷ that": ready / readUsed,
    "peak with it MB": end / 1e6,
  };
}

function readAll(paths: readonly string[]): Reading {
  const script = fileURLToPath(new URL("reading.js", import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [script, ...paths], { encoding: "utf8" })) as Reading;
}
