import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { Qwen3Error } from "../core/errors.ts";
import { parseConfig } from "../model/config.ts";
import { decoderTensors } from "../model/tensor-names.ts";
import { Checkpoint, checkTensors, SafetensorsFile } from "../weights/index.ts";
import type { Context } from "./context.ts";
import { type FittingWay, fittingTable, fittingWays } from "./inspect/fitting-ways.ts";
import { foldLayers } from "./inspect/fold-layers.ts";
import { addCommonOptions, type CommonOptions } from "./options.ts";
import { resolveFolder } from "./resolve-folder.ts";
import { formatBytes, formatCount, printable, styleFor, table } from "./terminal.ts";

interface InspectFlags extends CommonOptions {
  readonly all?: true;
  readonly revision?: string;
}

/** One tensor of one file. */
export interface InspectedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly file: string;
}

interface Inspection {
  readonly path: string;
  /** The architecture, or why this runtime cannot run it; absent for a bare safetensors file. */
  readonly model?: string;
  /** What it takes to embed with it, by device and dtype; absent for what cannot be run. */
  readonly fits?: readonly FittingWay[];
  readonly files: readonly { readonly name: string; readonly metadata: Readonly<Record<string, string>> }[];
  readonly tensors: readonly InspectedTensor[];
}

export function defineInspect(command: Command, context: Context): void {
  command
    .argument("[model]", "checkpoint folder, hub id or safetensors file (default: the bundled model)")
    .option("--revision <revision>", "branch, tag or commit of a hub id (default: its main branch)")
    .option("-a, --all", "list every tensor, layers that are alike too")
    .action((model: string | undefined, flags: InspectFlags) => inspect(model, flags, context));
  addCommonOptions(command);
}

async function inspect(model: string | undefined, flags: InspectFlags, context: Context): Promise<void> {
  const inspection = await read(model, flags, context);
  const { tensors } = inspection;
  const elements = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (flags.json === true) {
    context.stdout.write(`${JSON.stringify({ ...inspection, elements, bytes })}\n`);
    return;
  }
  const { bold } = styleFor(context);
  const head = [bold(inspection.path), inspection.model ?? ""].filter(Boolean).map(printable).join("\n");
  const shown = flags.all === true ? tensors : foldLayers(tensors);
  const rows = shown.map(({ name, dtype, shape, bytes: size }) => [
    name,
    dtype,
    `[${shape.join(", ")}]`,
    formatBytes(size),
  ]);
  const total = `${formatCount(tensors.length)} tensors, ${formatCount(elements)} elements, ${formatBytes(bytes)}`;
  const metadata = inspection.files.flatMap(({ name, metadata: own }) =>
    Object.entries(own).map(([key, value]) => printable(`${name}: ${key} = ${value}\n`)),
  );
  const printed = table(
    rows.map((row) => row.map(printable)),
    ["left", "left", "left", "right"],
  );
  const fits = inspection.fits ? `\n${bold("what fits here")}\n${fittingTable(inspection.fits)}` : "";
  context.stdout.write(
    `${head}\n\n${printed}\n${bold(total)} in ${inspection.files.length} file(s)\n${metadata.join("")}${fits}`,
  );
}

async function read(model: string | undefined, flags: InspectFlags, context: Context): Promise<Inspection> {
  if (model !== undefined && (await isFile(model))) {
    await using file = await SafetensorsFile.open(model);
    return { path: model, ...describeFiles([file]) };
  }
  const folder = await resolveFolder(model, flags, context);
  const names = await readdir(folder);
  if (!names.includes("config.json")) return { path: folder, ...(await readLooseFiles(folder, names)) };
  await using checkpoint = await Checkpoint.open(folder);
  return { path: folder, ...(await describeModel(checkpoint)), ...describeFiles(checkpoint.files) };
}

/** A folder that is no whole checkpoint, such as an adapter: every safetensors file in it. */
async function readLooseFiles(folder: string, names: readonly string[]): Promise<Omit<Inspection, "path">> {
  const weights = names.filter((name) => name.endsWith(".safetensors")).toSorted();
  if (weights.length === 0) {
    throw new Qwen3Error(
      "not-found",
      `${folder} holds neither config.json nor a safetensors file; is it a model's folder?`,
    );
  }
  const files: SafetensorsFile[] = [];
  try {
    for (const name of weights) files.push(await SafetensorsFile.open(join(folder, name)));
    return describeFiles(files);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

function describeFiles(files: readonly SafetensorsFile[]): Pick<Inspection, "files" | "tensors"> {
  return {
    files: files.map(({ path, metadata }) => ({ name: basename(path), metadata: Object.fromEntries(metadata) })),
    tensors: files.flatMap(({ path, tensors }) =>
      Array.from(tensors, ([name, { dtype, shape, byteLength }]) => {
        return { name, dtype, shape, bytes: byteLength, file: basename(path) };
      }),
    ),
  };
}

async function describeModel(checkpoint: Checkpoint): Promise<Pick<Inspection, "model" | "fits">> {
  try {
    const config = parseConfig(checkpoint.config, "config.json");
    checkTensors(checkpoint, decoderTensors(config, checkpoint.tensorPrefix));
    const model =
      `Qwen3: ${config.numHiddenLayers} layers, width ${config.hiddenSize}, feed-forward ${config.intermediateSize}, ` +
      `${config.numAttentionHeads} query and ${config.numKeyValueHeads} key/value heads of ${config.headDim}, ` +
      `vocabulary ${config.vocabSize}, up to ${config.maxPositionEmbeddings} tokens`;
    return { model, fits: await fittingWays({ checkpoint, adapter: undefined, config }) };
  } catch (error) {
    return { model: `cannot be run: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
