import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Checkpoint } from "../../src/weights/index.ts";
import { pack, temporaryFolder } from "../weights/fixtures.ts";

export interface CheckpointChanges {
  /** Fields of config.json. */
  readonly config: object;
  /** Further tensors, float32. */
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
}

/** A copy of a one-file checkpoint with other configuration and more tensors, gone when it leaves the scope. */
export async function writeCheckpoint(
  source: string,
  { config, tensors }: CheckpointChanges,
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const original = JSON.parse(readFileSync(join(source, "config.json"), "utf8")) as object;
  writeFileSync(at("config.json"), JSON.stringify({ ...original, ...config }));
  symlinkSync(join(source, "tokenizer.json"), at("tokenizer.json"));
  symlinkSync(join(source, "model.safetensors"), at("base.safetensors")); // model.safetensors would win over the index

  const header: Record<string, object> = {};
  const data: number[] = [];
  for (const [name, tensor] of Object.entries(tensors)) {
    const start = 4 * data.length;
    for (const value of tensor.data) data.push(value);
    header[name] = { dtype: "F32", shape: tensor.shape, data_offsets: [start, 4 * data.length] };
  }
  writeFileSync(at("more.safetensors"), pack(header, new Uint8Array(Float32Array.from(data).buffer)));
  await using checkpoint = await Checkpoint.open(source);
  const weightMap = {
    ...Object.fromEntries([...checkpoint.tensors.keys()].map((name) => [name, "base.safetensors"])),
    ...Object.fromEntries(Object.keys(tensors).map((name) => [name, "more.safetensors"])),
  };
  writeFileSync(at("model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map: weightMap }));
  return folder;
}
