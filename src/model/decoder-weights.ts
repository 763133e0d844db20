import { isWeightDType } from "../core/dtype.ts";
import { Qwen3Error } from "../core/errors.ts";
import type { Backend, Matrix, MatrixSource, MatrixUse, Norm } from "../kernels/backend.ts";
import { type Checkpoint, checkTensors } from "../weights/index.ts";
import type { Qwen3Config } from "./config.ts";
import type { LayerWeights } from "./layer.ts";
import type { LoraAdapter } from "./lora/lora-adapter.ts";
import { decoderTensors, EMBED_TOKENS, FINAL_NORM, LAYER_TENSORS, type LayerTensor } from "./tensor-names.ts";
import { convertRows, interleaveRows, stackRows } from "./weight-source.ts";

export interface DecoderWeights {
  readonly embedTokens: Matrix;
  readonly layers: readonly LayerWeights[];
  readonly norm: Norm;
}

/** How matrices are kept: as stored, or widened or rounded while they are read. */
export type KeptDType = "stored" | "F32" | "BF16";

export interface LoadWeightsOptions {
  readonly checkpoint: Checkpoint;
  readonly config: Qwen3Config;
  readonly backend: Backend;
  readonly keepAs: KeptDType;
  /** Merged into the weights it was trained for. */
  readonly adapter?: LoraAdapter | undefined;
  /** How the embedding table is used besides looking rows up. @default "table" */
  readonly tableUse?: MatrixUse;
  /** Called after each tensor with the bytes read so far. */
  readonly onBytes?: (completed: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads a checkpoint into a backend, a matrix at a time.
 *
 * @throws Qwen3Error `invalid-checkpoint` naming every missing or misshapen tensor, before any is read
 */
export async function loadDecoderWeights(options: LoadWeightsOptions): Promise<DecoderWeights> {
  const { checkpoint, config } = options;
  const prefix = checkpoint.tensorPrefix;
  checkTensors(checkpoint, decoderTensors(config, prefix));
  const loader = new WeightLoader(options);

  const embedTokens = await loader.matrix(loader.source(prefix + EMBED_TOKENS), options.tableUse ?? "table");
  const layers: LayerWeights[] = [];
  for (let n = 0; n < config.numHiddenLayers; n++)
    layers.push(await loadLayer(loader, config, `${prefix}layers.${n}.`, n));
  const norm = await loader.norm(prefix + FINAL_NORM, config.rmsNormEps);
  options.adapter?.checkAllMerged();
  return { embedTokens, layers, norm };
}

async function loadLayer(loader: WeightLoader, config: Qwen3Config, prefix: string, n: number): Promise<LayerWeights> {
  const source = (tensor: LayerTensor): MatrixSource => loader.source(prefix + LAYER_TENSORS[tensor]);
  const norm = (tensor: LayerTensor): Promise<Norm> => loader.norm(prefix + LAYER_TENSORS[tensor], config.rmsNormEps);
  const qkv = stackRows(`layers.${n}.self_attn.qkv_proj`, [source("qProj"), source("kProj"), source("vProj")]);
  const gateUp = interleaveRows(`layers.${n}.mlp.gate_up_proj`, source("gateProj"), source("upProj"));
  return {
    numAttentionHeads: config.numAttentionHeads,
    numKeyValueHeads: config.numKeyValueHeads,
    inputLayernorm: await norm("inputLayernorm"),
    qkvProj: await loader.matrix(qkv, "product"),
    qNorm: await norm("qNorm"),
    kNorm: await norm("kNorm"),
    oProj: await loader.matrix(source("oProj"), "product"),
    postAttentionLayernorm: await norm("postAttentionLayernorm"),
    gateUpProj: await loader.matrix(gateUp, "product"),
    downProj: await loader.matrix(source("downProj"), "product"),
  };
}

/** Turns tensors of a checkpoint into a backend's weights, and counts them. */
export class WeightLoader {
  readonly #options: Omit<LoadWeightsOptions, "config">;
  readonly #total: number;
  #completed = 0;

  constructor(options: Omit<LoadWeightsOptions, "config">) {
    this.#options = options;
    this.#total = [...options.checkpoint.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** A tensor `[rows, columns]` of the checkpoint, with its LoRA update if there is one, in the dtype it is kept as. */
  source(name: string): MatrixSource {
    const { checkpoint, adapter, keepAs } = this.#options;
    const stored = storedMatrix(checkpoint, name);
    const merged = adapter?.merge(stored, name.slice(checkpoint.tensorPrefix.length)) ?? stored;
    if (keepAs !== "stored") return convertRows(merged, keepAs);
    // A merged matrix is float32; bf16 goes back to bf16, but f16 does not go back to f16, which could overflow.
    return merged !== stored && stored.dtype === "BF16" ? convertRows(merged, "BF16") : merged;
  }

  async matrix(source: MatrixSource, use: MatrixUse): Promise<Matrix> {
    const { backend, signal } = this.#options;
    signal?.throwIfAborted();
    const matrix = await backend.loadMatrix(source, use);
    this.#count(source.rows * source.columns * (source.dtype === "F32" ? 4 : 2));
    return matrix;
  }

  async norm(name: string, eps: number): Promise<Norm> {
    const { backend, checkpoint } = this.#options;
    const weight = await checkpoint.readFloat32(name);
    this.#count(checkpoint.tensors.get(name)?.byteLength ?? 0);
    return backend.loadNorm(name, weight, eps);
  }

  #count(bytes: number): void {
    this.#completed += bytes;
    this.#options.onBytes?.(this.#completed, this.#total);
  }
}

function storedMatrix(checkpoint: Checkpoint, name: string): MatrixSource {
  const tensor = checkpoint.tensors.get(name);
  const [rows, columns] = tensor?.shape ?? [];
  if (!tensor || rows === undefined || columns === undefined) {
    throw new Qwen3Error("not-found", `${checkpoint.name}: no matrix '${name}'`);
  }
  const { dtype } = tensor;
  if (!isWeightDType(dtype)) {
    const message = `${checkpoint.name}: tensor '${name}' is stored as ${dtype}; expected BF16, F16 or F32. Convert the checkpoint with transformers' save_pretrained.`;
    throw new Qwen3Error("unsupported", message);
  }
  const stride = tensor.byteLength / rows;
  return {
    name,
    rows,
    columns,
    dtype,
    async readRows(start, count, into) {
      await checkpoint.readRange(name, start * stride, into.subarray(0, count * stride));
    },
  };
}
