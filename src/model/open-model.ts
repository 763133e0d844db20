import { existsSync } from "node:fs";
import { join } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { Checkpoint, resolveModel, type ResolvedModel } from "../weights/index.ts";
import type { LoadOptions } from "./load-options.ts";
import { ADAPTER_CONFIG, LoraAdapter } from "./lora/lora-adapter.ts";

/** A model's files besides its weights. */
export interface ModelFiles {
  readonly name: string;
  /** Path of a file, `undefined` where there is none. */
  file(path: string): string | undefined;
  /** A JSON file, parsed and otherwise unchecked; `undefined` where there is none. */
  json(path: string): Promise<unknown>;
}

export interface OpenedModel {
  readonly checkpoint: Checkpoint;
  readonly adapter: LoraAdapter | undefined;
  readonly files: ModelFiles;
}

/** Finds and opens a checkpoint, and the LoRA adapter asked for or pointed at. */
export async function openModel(source: string | undefined, options: LoadOptions): Promise<OpenedModel> {
  const found = await resolveModel(source, options);
  const inPlace = { ...options, revision: undefined };
  if (options.lora !== undefined) return await openAdapted(await resolveModel(options.lora, inPlace), () => found);
  if (isAdapter(found.folder)) {
    return await openAdapted(found, (adapter) => {
      return resolveModel(baseOf(adapter), { ...options, revision: adapter.config.baseRevision });
    });
  }
  const checkpoint = await Checkpoint.open(found.folder);
  return { checkpoint, adapter: undefined, files: checkpoint };
}

/** @param findBase from the adapter to the model that it is merged into */
async function openAdapted(
  { folder, name }: ResolvedModel,
  findBase: (adapter: LoraAdapter) => ResolvedModel | Promise<ResolvedModel>,
): Promise<OpenedModel> {
  const adapter = await LoraAdapter.open(folder);
  const checkpoint = await Checkpoint.open((await findBase(adapter)).folder);
  return { checkpoint, adapter, files: overlay(adapter, checkpoint, name) };
}

/** A folder with an adapter and no model of its own. */
function isAdapter(folder: string): boolean {
  return existsSync(join(folder, ADAPTER_CONFIG)) && !existsSync(join(folder, "config.json"));
}

function baseOf({ config, folder }: LoraAdapter): string {
  if (config.baseModel !== undefined) return config.baseModel;
  const message = `${folder.path}/${ADAPTER_CONFIG}: 'base_model_name_or_path' names no base model; load that model with the option lora: '${folder.path}'`;
  throw new Qwen3Error("invalid-checkpoint", message);
}

/** sentence-transformers saves an adapter with the modules, prompts and tokenizer it was trained with; they win. */
function overlay({ folder }: LoraAdapter, checkpoint: Checkpoint, name: string): ModelFiles {
  return {
    name: `${checkpoint.name} + ${name}`,
    file: (path) => folder.file(path) ?? checkpoint.file(path),
    json: async (path) => (await folder.json(path)) ?? (await checkpoint.json(path)),
  };
}
