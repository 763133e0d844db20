import { type Command, InvalidArgumentError, Option } from "commander";
import type { LoadOptions } from "../model/load-options.ts";
import { UsageError } from "./failure.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
}

/** Options of every command that loads a model. */
export interface ModelOptions extends CommonOptions {
  readonly model?: string;
  readonly revision?: string;
  readonly lora?: string;
  readonly device: NonNullable<LoadOptions["device"]>;
  readonly adapter?: string;
  readonly autotune?: boolean;
  readonly threads?: number;
  readonly revectorize?: true;
  readonly dtype: NonNullable<LoadOptions["dtype"]>;
}

export const REVECTORIZE = "let V8 join 128-bit operations of the CPU backend (x64, Node 22 or newer; experimental)";

/** @throws UsageError for a device with nothing to revectorize */
export function checkRevectorize({ revectorize, device }: Pick<ModelOptions, "revectorize" | "device">): void {
  if (revectorize === undefined || device === "auto" || device === "wasm") return;
  throw new UsageError(`--revectorize is for --device wasm, got ${device}; leave one of them out`);
}

export function addCommonOptions(command: Command): Command {
  return command
    .option("--json", "print JSON")
    .option("-q, --quiet", "print nothing but results and errors")
    .option("--verbose", "say more on the way; show where errors come from");
}

export function addModelOptions(command: Command): Command {
  command
    .option("-m, --model <model>", "checkpoint folder or hub id (default: the bundled demonstration model)")
    .option("--revision <revision>", "branch, tag or commit of a hub id (default: its main branch)")
    .option("--lora <adapter>", "LoRA adapter to merge into the model: folder or hub id")
    .addOption(
      new Option("--device <device>", "what to compute on")
        .choices(["auto", "webgpu", "wasm", "reference"])
        .default("auto"),
    )
    .option("--adapter <name>", "part of the name of the GPU adapter, for webgpu; also admits software adapters")
    .option("--autotune", "time a GPU's matrix products when a model is first loaded on it (default: on real GPUs)")
    .option("--no-autotune", "never time them")
    .option("--threads <n>", "threads of the CPU backend (default: one per core)", positiveInteger)
    .option("--revectorize", REVECTORIZE)
    .addOption(
      new Option("--dtype <dtype>", "how weights are kept").choices(["auto", "f32", "bf16", "int8"]).default("auto"),
    );
  return addCommonOptions(command);
}

/** Options that say what a text is for, as EncodeOptions names them. */
export interface PromptFlags {
  readonly promptName?: string;
  readonly prompt?: string;
  readonly instruction?: string;
}

export function addPromptOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--prompt-name <name>", "one of the model's own prompts, such as query").conflicts([
        "prompt",
        "instruction",
      ]),
    )
    .addOption(new Option("--prompt <text>", "put this before every text").conflicts("instruction"))
    .option("--instruction <text>", "what a query is to find: Instruct: TEXT, then Query:");
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("Expected a whole number of at least 1.");
  }
  return value;
}
