import { existsSync } from "node:fs";
import { basename, isAbsolute, join, normalize, resolve } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { repoOfSnapshot } from "./hub-cache.ts";
import { quote } from "./quote.ts";
import { readTextFile } from "./read-text-file.ts";
import type { SafetensorsFile } from "./safetensors-file.ts";
import type { TensorInfo } from "./safetensors-header.ts";
import { closeAll, openWeightFiles } from "./weight-files.ts";

/**
 * A model folder as transformers and sentence-transformers write it: weights in one safetensors file or in shards with
 * an index, config.json, and beside them whatever else the model comes with. Opening it reads headers only.
 *
 * @example
 * await using checkpoint = await Checkpoint.open("./Qwen3-Embedding-0.6B");
 * checkpoint.tensors.get(`${checkpoint.tensorPrefix}norm.weight`); // { dtype: "BF16", shape: [1024], … }
 */
export class Checkpoint implements AsyncDisposable {
  readonly folder: string;
  /** The folder's name, or the hub id of a snapshot in the hub cache. */
  readonly name: string;
  /** config.json, parsed; nothing in it has been checked. */
  readonly config: unknown;
  /** Of all weight files, by name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** `"model."` where the decoder's tensor names begin with it, else `""`; `lm_head.weight` never has a prefix. */
  readonly tensorPrefix: "" | "model.";
  /** `__metadata__` of all weight files; where they disagree, the last one's. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The open weight files. */
  readonly files: readonly SafetensorsFile[];
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(folder: string, config: unknown, files: readonly SafetensorsFile[]) {
    this.folder = folder;
    this.name = repoOfSnapshot(folder) ?? basename(resolve(folder));
    this.config = config;
    this.files = files;
    this.metadata = new Map(files.flatMap(({ metadata }) => [...metadata]));
    this.tensors = new Map(files.flatMap(({ tensors }) => [...tensors]));
    this.#fileOf = new Map(files.flatMap((file) => Array.from(file.tensors.keys(), (name) => [name, file])));
    this.tensorPrefix = [...this.tensors.keys()].some((name) => name.startsWith("model.")) ? "model." : "";
  }

  /**
   * @param folder holds config.json and `model.safetensors` or `model.safetensors.index.json` with its shards
   * @throws Qwen3Error `not-found` for what is missing, `invalid-checkpoint` for a file that is damaged or contradicts
   * another; both name the file
   */
  static async open(folder: string): Promise<Checkpoint> {
    const config = await readJson(folder, "config.json");
    if (config === undefined) throw notACheckpoint(folder);
    return new Checkpoint(folder, config, await openWeightFiles(folder));
  }

  /**
   * Where a file of the checkpoint is, such as `tokenizer.json`.
   *
   * @param path relative to the folder
   * @returns `undefined` where there is none
   * @throws Qwen3Error `invalid-checkpoint` for a path that leaves the folder, since paths come from other files
   */
  file(path: string): string | undefined {
    const full = inside(this.folder, path);
    return existsSync(full) ? full : undefined;
  }

  /**
   * A JSON file of the checkpoint, such as `1_Pooling/config.json`, parsed and otherwise unchecked.
   *
   * @returns `undefined` where there is none
   * @throws Qwen3Error `invalid-checkpoint` where it is not JSON; as {@link file}
   */
  json(path: string): Promise<unknown> {
    return readJson(this.folder, path);
  }

  /** As {@link SafetensorsFile.read}. */
  async read(name: string, into?: Uint8Array): Promise<Uint8Array> {
    return this.#holding(name).read(name, into);
  }

  /** As {@link SafetensorsFile.readRange}. */
  async readRange(name: string, byteOffset: number, into: Uint8Array): Promise<void> {
    await this.#holding(name).readRange(name, byteOffset, into);
  }

  /** As {@link SafetensorsFile.readFloat32}. */
  async readFloat32(name: string, into?: Float32Array): Promise<Float32Array> {
    return this.#holding(name).readFloat32(name, into);
  }

  /** Waits for reads in progress. Later reads are refused; a second call does nothing. */
  async close(): Promise<void> {
    await closeAll(this.files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #holding(name: string): SafetensorsFile {
    const file = this.#fileOf.get(name);
    if (file) return file;
    throw new Qwen3Error("not-found", `${this.name} has no tensor ${quote(name)}; it has ${this.tensors.size} others`);
  }
}

async function readJson(folder: string, path: string): Promise<unknown> {
  const full = inside(folder, path);
  if (!existsSync(full)) return undefined;
  const text = await readTextFile(full);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Qwen3Error("invalid-checkpoint", `${full} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Not by real paths: files of the hub cache are links to elsewhere. */
function inside(folder: string, path: string): string {
  const normal = normalize(path);
  if (!isAbsolute(normal) && !/^\.\.(?:[/\\]|$)/.test(normal) && !normal.includes("\0")) return join(folder, normal);
  throw new Qwen3Error("invalid-checkpoint", `${folder}: the path ${quote(path)} leads out of the checkpoint's folder`);
}

function notACheckpoint(folder: string): Qwen3Error {
  const problem = existsSync(folder) ? "has no config.json" : "does not exist";
  return new Qwen3Error("not-found", `${folder} ${problem}; expected a folder with config.json and model.safetensors`);
}
