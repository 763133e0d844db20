import type { Norm } from "../../kernels/backend.ts";
import { type Place, WASM_WEIGHTS_PER_MEMORY, type WeightKeeper } from "../../kernels/kept-bytes.ts";
import type { Qwen3Config } from "../config.ts";
import { type KeptDType, loadDecoderWeights, WeightLoader, type WeightLoaderOptions } from "../decoder-weights.ts";
import { Head } from "../head.ts";
import type { OpenedModel } from "../open-model.ts";
import { WeightCounter } from "./weight-counter.ts";

/** What a model will need on a backend, before anything is allocated. Bytes. */
export interface MemoryPlan {
  /** Weights as they are kept, by where. */
  readonly weights: Readonly<Record<Place, number>>;
  /** Held for a while as weights are read. */
  readonly loading: number;
  /** Of the largest batch, in one memory. */
  readonly activations: number;
  /** The largest of them alone, such as the MLP's gated product. */
  readonly largestActivation: number;
  /** How many memories need activations: WebAssembly's weights may lie in several. */
  readonly memories: number;
  /** Keys and values. */
  readonly cache: number;
  /** Where all but the weights is. */
  readonly place: Place;
}

export interface PlannedModel extends Pick<OpenedModel, "checkpoint" | "adapter"> {
  readonly config: Qwen3Config;
}

export interface PlanOptions {
  readonly keepAs: KeptDType;
  readonly maxBatchTokens: number;
  /** Tokens whose keys and values are kept. */
  readonly cacheTokens: number;
  /** Every token's logits are wanted, so that lm_head is there. */
  readonly generates: boolean;
}

/** Bytes read at a time where matrices are not read whole. */
const CHUNK_BYTES = 2 ** 24;
const FLOAT_BYTES = 4;

/** Reads nothing: of a norm, only its size counts. */
class HeaderLoader extends WeightLoader {
  readonly #options: WeightLoaderOptions;

  constructor(options: WeightLoaderOptions) {
    super(options);
    this.#options = options;
  }

  override async norm(name: string, eps: number): Promise<Norm> {
    const { checkpoint, backend } = this.#options;
    const [width = 0] = checkpoint.tensors.get(name)?.shape ?? [];
    return backend.loadNorm(name, new Float32Array(width), eps);
  }
}

/** Adds up what loading the model would take, reading only its headers. */
export async function planMemory(
  { checkpoint, adapter, config }: PlannedModel,
  keeper: WeightKeeper,
  { keepAs, maxBatchTokens, cacheTokens, generates }: PlanOptions,
): Promise<MemoryPlan> {
  const counter = new WeightCounter(keeper);
  const loader = new HeaderLoader({ checkpoint, adapter, backend: counter, keepAs, tensors: [] });
  const { embedTokens } = await loadDecoderWeights(loader, config, generates ? "product-and-table" : "table");
  if (generates) await new Head({ loader, checkpoint, config, table: embedTokens }).whole();
  // The reference reads a matrix whole before it keeps it, and WebGPU fills a buffer on its way. For int8 one is rounded
  // while the next is read.
  const whole = keeper.int8 ? 2 : keeper.kind === "wasm" ? 0 : 1;
  return {
    weights: counter.bytes,
    loading: CHUNK_BYTES + whole * counter.largest,
    activations: maxBatchTokens * activationBytes(config),
    largestActivation: maxBatchTokens * widest(config) * FLOAT_BYTES,
    memories: Math.max(1, Math.ceil(counter.bytes.wasm / WASM_WEIGHTS_PER_MEMORY)),
    cache: cacheTokens * cacheBytes(config),
    place: PLACES[keeper.kind],
  };
}

const PLACES = { reference: "host", wasm: "wasm", webgpu: "gpu" } as const satisfies Record<string, Place>;

/** Most bytes that a plan needs in one place at one time. */
export function bytesIn(plan: MemoryPlan, where: Place): number {
  return plan.weights[where] + (plan.place === where ? Math.max(plan.loading, batchBytes(plan)) : 0);
}

/** Of the largest batch, with keys and values. */
export function batchBytes({ memories, activations, cache }: MemoryPlan): number {
  return memories * activations + cache;
}

/** Bytes of the weights, wherever. */
export function weightBytes({ weights }: MemoryPlan): number {
  return weights.host + weights.wasm + weights.gpu;
}

/** Most bytes at one time, wherever. */
export function totalBytes(plan: MemoryPlan): number {
  return bytesIn(plan, "host") + bytesIn(plan, "wasm") + bytesIn(plan, "gpu");
}

/**
 * Of one token of a batch: the MLP's input, gated product and output, each once more as the products of the CPU lay them
 * out, and the projections that share their memory with them. Measured, backends use 0.6 to 0.95 of it.
 */
export function activationBytes(config: Qwen3Config): number {
  const { hiddenSize, intermediateSize, numAttentionHeads, numKeyValueHeads, headDim } = config;
  return (3 * hiddenSize + 2 * intermediateSize + (numAttentionHeads + numKeyValueHeads) * headDim) * FLOAT_BYTES;
}

function widest({ hiddenSize, intermediateSize, numAttentionHeads, headDim }: Qwen3Config): number {
  return Math.max(hiddenSize, intermediateSize, numAttentionHeads * headDim);
}

/** Float32 keys and values of one token. */
export function cacheBytes({ numHiddenLayers, numKeyValueHeads, headDim }: Qwen3Config): number {
  return 2 * numHiddenLayers * numKeyValueHeads * headDim * FLOAT_BYTES;
}
