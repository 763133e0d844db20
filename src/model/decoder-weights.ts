import { isWeightDType } from "../core/dtype.ts";
import { Qwen3Error } from "../core/errors.ts";
import type { Backend, Matrix, MatrixSource, MatrixUse, Norm } from "../kernels/backend.ts";
import type { Checkpoint } from "../weights/index.ts";
import type { Qwen3Config } from "./config.ts";
import type { LayerWeights } from "./layer.ts";
import type { LoraAdapter } from "./lora/lora-adapter.ts";
import { EMBED_TOKENS, FINAL_NORM, LAYER_TENSORS, type LayerTensor } from "./tensor-names.ts";
import { convertRows, interleaveRows, stackRows } from "./weight-source.ts";

export interface DecoderWeights {
  readonly embedTokens: Matrix;
  readonly layers: readonly LayerWeights[];
  readonly norm: Norm;
}

/** How matrices are kept: as stored, or widened or rounded while they are read. */
export type KeptDType = "stored" | "F32" | "BF16";

/**
 * Reads a checkpoint's decoder into a backend, a matrix at a time.
 *
 * @param tableUse how the embedding table is used
 */
export async function loadDecoderWeights(
  loader: WeightLoader,
  config: Qwen3Config,
  tableUse: MatrixUse,
): Promise<DecoderWeights> {
  const prefix = loader.tensorPrefix;
  const embedTokens = await loader.matrix(loader.source(prefix + EMBED_TOKENS), tableUse);
  const layers: LayerWeights[] = [];
  for (let n = 0; n < config.numHiddenLayers; n++)
    layers.push(await loadLayer(loader, config, `${prefix}layers.${n}.`, n));
  const norm = await loader.norm(prefix + FINAL_NORM, config.rmsNormEps);
  return { embedTokens, layers, norm };
}

async function loadLayer(loader: WeightLoader, config: Qwen3Config, prefix: string, n: number): Promise<LayerWeights> {
  const source = (tensor: LayerTensor): MatrixSource => loader.source(prefix + LAYER_TENSORS[tensor]);
  const norm = (tensor: LayerTensor): Promise<Norm> => loader.norm(prefix + LAYER_TENSORS[tensor], config.rmsNormEps);
  const qkv = stackRows(`layers.${n}.self_attn.qkv_proj`, [source("qProj"), source("kProj"), source("vProj")]);
  const gateUp = interleaveRows(`layers.${n}.mlp.gate_up_proj`, source("gateProj"), source("upProj"));
  const [inputLayernorm, qNorm, kNorm, postAttentionLayernorm] = await Promise.all([
    norm("inputLayernorm"),
    norm("qNorm"),
    norm("kNorm"),
    norm("postAttentionLayernorm"),
  ]);
  return {
    numAttentionHeads: config.numAttentionHeads,
    numKeyValueHeads: config.numKeyValueHeads,
    inputLayernorm,
    qNorm,
    kNorm,
    postAttentionLayernorm,
    qkvProj: await loader.matrix(qkv, "product"),
    oProj: await loader.matrix(source("oProj"), "product"),
    gateUpProj: await loader.matrix(gateUp, "product"),
    downProj: await loader.matrix(source("downProj"), "product"),
  };
}

export interface WeightLoaderOptions {
  readonly checkpoint: Checkpoint;
  readonly backend: Pick<Backend, "loadMatrix" | "loadNorm">;
  readonly keepAs: KeptDType;
  /** Merged into the weights it was trained for. */
  readonly adapter?: LoraAdapter | undefined;
  /** The tensors that will be read, for counting. */
  readonly tensors: Iterable<string>;
  /** Called after each tensor with the bytes read so far. */
  readonly onBytes?: (completed: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Turns tensors of a checkpoint into a backend's weights, and counts them. */
export class WeightLoader {
  readonly #options: WeightLoaderOptions;
  #total = 0;
  #completed = 0;
  #reported = 0;

  constructor(options: WeightLoaderOptions) {
    this.#options = options;
    for (const name of options.tensors) this.#total += options.checkpoint.tensors.get(name)?.byteLength ?? 0;
  }

  /** What stands before the decoder's tensor names. */
  get tensorPrefix(): string {
    return this.#options.checkpoint.tensorPrefix;
  }

  /** A tensor `[rows, columns]` of the checkpoint, with its LoRA update if there is one, in the dtype it is kept as. */
  source(name: string): MatrixSource {
    const { adapter, keepAs } = this.#options;
    const stored = this.#stored(name);
    const merged = adapter?.merge(stored, this.#bareName(name)) ?? stored;
    if (keepAs !== "stored") return convertRows(merged, keepAs);
    // A merged matrix is float32; bf16 goes back to bf16, but f16 does not go back to f16, which could overflow.
    return merged !== stored && stored.dtype === "BF16" ? convertRows(merged, "BF16") : merged;
  }

  async matrix(source: MatrixSource, use: MatrixUse): Promise<Matrix> {
    const { backend, signal } = this.#options;
    signal?.throwIfAborted();
    const matrix = await backend.loadMatrix(source, use);
    this.#report();
    return matrix;
  }

  async norm(name: string, eps: number): Promise<Norm> {
    const { backend, checkpoint } = this.#options;
    const weight = await checkpoint.readFloat32(name);
    this.#completed += checkpoint.tensors.get(name)?.byteLength ?? 0;
    this.#report();
    return backend.loadNorm(name, weight, eps);
  }

  #bareName(name: string): string {
    return name.startsWith(this.tensorPrefix) ? name.slice(this.tensorPrefix.length) : name;
  }

  /** The tensor as it is in its file. */
  #stored(name: string): MatrixSource {
    const { checkpoint } = this.#options;
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
    this.#completed += tensor.byteLength;
    return {
      name,
      rows,
      columns,
      dtype,
      asStored: true,
      identity: async () => `${await checkpoint.identity()} ${name}`,
      async readRows(start, count, into) {
        await checkpoint.readRange(name, start * stride, into.subarray(0, count * stride));
      },
    };
  }

  /** Tensors count when their source is made. What comes after the total, such as rows of a head, is not part of loading. */
  #report(): void {
    if (this.#reported === this.#total) return;
    this.#reported = Math.min(this.#completed, this.#total);
    this.#options.onBytes?.(this.#reported, this.#total);
  }
}
