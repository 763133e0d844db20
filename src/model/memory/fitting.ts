import { availableMemory } from "../../core/available-memory.ts";
import type { BackendKind } from "../../kernels/backend.ts";
import { WASM_MEMORY_BYTES, WASM_WEIGHTS_PER_MEMORY, type WeightKeeper } from "../../kernels/kept-bytes.ts";
import { type DTypeOption, keptDType } from "../kept-dtype.ts";
import { batchBytes, type MemoryPlan, type PlannedModel, planMemory, totalBytes } from "./memory-plan.ts";

/** A device and how it keeps weights. */
export interface Way {
  readonly device: BackendKind;
  readonly dtype: DTypeOption;
  /** Whether the GPU, if it is one, computes in this machine's own memory. @default false */
  readonly software?: boolean;
  /** Largest buffer of the GPU. @default unknown */
  readonly maxBufferBytes?: number;
}

/** What the model is for, as far as it needs memory. */
export interface Demand {
  readonly maxBatchTokens: number;
  /** Tokens whose keys and values are kept. */
  readonly cacheTokens: number;
  readonly generates: boolean;
}

/** Something of which there is too little. */
export interface Shortage {
  /** For people: what has the limit. */
  readonly what: string;
  readonly needed: number;
  readonly limit: number;
  /** Batches of so many tokens would fit; 0 if it is the weights that do not. */
  readonly fittingBatchTokens: number;
}

/** A way to run a model, what it takes, and what of that is not there. */
export interface PlannedWay extends Way {
  readonly plan: MemoryPlan;
  readonly total: number;
  readonly shortage: Shortage | undefined;
}

/** Batches below this are not worth proposing. */
const LEAST_BATCH_TOKENS = 64;

/** @param available bytes that this process can still get. @default as measured */
export async function planWay(
  model: PlannedModel,
  way: Way,
  demand: Demand,
  available: number = availableMemory(),
): Promise<PlannedWay> {
  const keeper: WeightKeeper = { kind: way.device, int8: way.dtype === "int8" };
  const plan = await planMemory(model, keeper, { ...demand, keepAs: keptDType(way.dtype) });
  const shortage = limitsOf(plan, way, available)
    .map((limit) => shortageOf(limit, demand))
    .find(({ needed, limit }) => needed > limit);
  return { ...way, plan, total: totalBytes(plan), shortage };
}

/** Room for something, and what has to go there. Bytes. */
interface Limit {
  readonly what: string;
  readonly limit: number;
  readonly weights: number;
  /** As weights are read; over when batches come. */
  readonly loading: number;
  /** Of the largest batch. */
  readonly batch: number;
}

function shortageOf({ what, limit, weights, loading, batch }: Limit, { maxBatchTokens }: Demand): Shortage {
  const tokens = Math.floor(((limit - weights) * maxBatchTokens) / batch);
  const isBatch = weights + loading <= limit && tokens >= LEAST_BATCH_TOKENS;
  return { what, needed: weights + Math.max(loading, batch), limit, fittingBatchTokens: isBatch ? tokens : 0 };
}

function limitsOf(plan: MemoryPlan, way: Way, available: number): Limit[] {
  const { weights, loading, place } = plan;
  const { software = false, maxBufferBytes = Infinity } = way;
  const limits: Limit[] = [];
  // WebGPU does not say how much memory a GPU has, so nothing is said about it.
  const isOurs = place !== "gpu" || software;
  limits.push({
    what: "this machine's free memory",
    limit: available,
    weights: weights.host + weights.wasm + (software ? weights.gpu : 0),
    loading: isOurs ? loading : 0,
    batch: isOurs ? batchBytes(plan) : 0,
  });
  if (place === "wasm") {
    const inOne = { weights: Math.min(weights.wasm, WASM_WEIGHTS_PER_MEMORY), batch: plan.activations + plan.cache };
    limits.push({ what: "one WebAssembly memory", limit: WASM_MEMORY_BYTES, loading, ...inOne });
  }
  if (place === "gpu") {
    const batch = plan.largestActivation;
    limits.push({ what: "one buffer of this GPU", limit: maxBufferBytes, weights: 0, loading: 0, batch });
  }
  return limits;
}
