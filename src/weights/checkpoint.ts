import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { idOfSnapshot } from "./hub/cache.ts";
import { ModelFolder } from "./model-folder.ts";
import { quote } from "./quote.ts";
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
  readonly #folder: ModelFolder;
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(folder: ModelFolder, config: unknown, files: readonly SafetensorsFile[]) {
    this.#folder = folder;
    this.folder = folder.path;
    this.name = idOfSnapshot(this.folder) ?? basename(resolve(this.folder));
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
    const modelFolder = new ModelFolder(folder);
    const config = await modelFolder.json("config.json");
    if (config === undefined) throw notACheckpoint(folder);
    return new Checkpoint(modelFolder, config, await openWeightFiles(folder));
  }

  /** As {@link ModelFolder.file}. */
  file(path: string): string | undefined {
    return this.#folder.file(path);
  }

  /** As {@link ModelFolder.json}. */
  json(path: string): Promise<unknown> {
    return this.#folder.json(path);
  }

  /** As {@link SafetensorsFile.read}. */
  async read(name: string, into?: Uint8Array): Promise<Uint8Array> {
    return this.#holding(name).read(name, into);
  }

  /** As {@link SafetensorsFile.readRange}. */
  async readRange(name: string, byteOffset: number, into: Uint8Array): Promise<void> {
    await this.#holding(name).readRange(name, byteOffset, into);
  }

  /** As {@link SafetensorsFile.identity}, of all weight files. */
  async identity(): Promise<string> {
    return (await Promise.all(this.files.map((file) => file.identity()))).join(" ");
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

function notACheckpoint(folder: string): Qwen3Error {
  const problem = existsSync(folder) ? "has no config.json" : "does not exist";
  return new Qwen3Error("not-found", `${folder} ${problem}; expected a folder with config.json and model.safetensors`);
}
