import type { Command } from "commander";
import { pullModel } from "../weights/hub/pull-model.ts";
import type { Context } from "./context.ts";
import { Notes } from "./notes.ts";
import { addCommonOptions, type CommonOptions } from "./options.ts";
import { ProgressBars } from "./progress.ts";

interface PullFlags extends CommonOptions {
  readonly revision?: string;
  readonly cacheDir?: string;
}

export function definePull(command: Command, context: Context): void {
  command
    .argument("<model>", "hub id, such as Qwen/Qwen3-Embedding-0.6B or modelscope:Qwen/Qwen3-Embedding-0.6B")
    .option("--revision <revision>", "branch, tag or commit (default: the main branch)")
    .option("--cache-dir <folder>", "where to keep it (default: the cache that Python's libraries use)")
    .action((model: string, flags: PullFlags) => pull(model, flags, context));
  addCommonOptions(command);
}

/** Prints the folder, so that `--model "$(qwen3 pull …)"` works. */
async function pull(name: string, flags: PullFlags, context: Context): Promise<void> {
  using progress = await ProgressBars.create(context, flags);
  const { revision, cacheDir } = flags;
  const { onProgress } = progress;
  const model = await pullModel(name, { revision, cacheDir, onProgress, signal: context.signal });
  progress.stop();
  new Notes(context, flags).note(`${model.name}, revision ${model.revision}: commit ${model.commit}`);
  context.stdout.write(flags.json === true ? `${JSON.stringify(model)}\n` : `${model.folder}\n`);
}
