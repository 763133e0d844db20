import { availableMemory } from "../../core/available-memory.ts";
import type { BackendKind } from "../../kernels/backend.ts";
import { WASM_MEMORY_BYTES, WASM_WEIGHTS_PER_MEMORY, type WeightKeeper } from "../../kernels/kept-bytes.ts";
import { type DTypeOption, keptDType } from "../kept-dtype.ts";
import { bytesIn, type MemoryPlan, type PlannedModel, planMemory, totalBytes } from "./memory-plan.ts";

/** A device and how it keeps weights. */
export interface Way {
  readonly device: BackendKind;
  readonly dtype: DTypeOption;
  /** Whether the GPU, if it is one, computes in this machine's own memory. @default false */
  readonly software?: boolean;
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
  const shortage = shortagesOf(plan, way, available)[0];
  if (!shortage) return { ...way, plan, total: totalBytes(plan), shortage };
  const perToken = (plan.activations + plan.cache) / demand.maxBatchTokens;
  const spare = shortage.limit - (shortage.needed - plan.activations - plan.cache);
  const tokens = spare < plan.loading ? 0 : Math.floor(spare / perToken);
  const fittingBatchTokens = tokens < LEAST_BATCH_TOKENS ? 0 : tokens;
  return { ...way, plan, total: totalBytes(plan), shortage: { ...shortage, fittingBatchTokens } };
}

/** WebGPU does not say how much memory a GPU has, so nothing is said about it. */
function shortagesOf(
  plan: MemoryPlan,
  { software = false }: Way,
  available: number,
): Omit<Shortage, "fittingBatchTokens">[] {
  const onHost = bytesIn(plan, "host") + bytesIn(plan, "wasm") + (software ? bytesIn(plan, "gpu") : 0);
  const limits = [
    { what: "this machine's free memory", needed: onHost, limit: available },
    { what: "one WebAssembly memory", needed: inOneWasmMemory(plan), limit: WASM_MEMORY_BYTES },
  ];
  return limits.filter(({ needed, limit }) => needed > limit);
}

/** Weights spread over as many memories as they need; what a batch needs must fit beside those of each. */
function inOneWasmMemory(plan: MemoryPlan): number {
  const { wasm } = plan.weights;
  return bytesIn(plan, "wasm") - wasm + Math.min(wasm, WASM_WEIGHTS_PER_MEMORY);
}
