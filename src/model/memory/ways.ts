import { availableMemory } from "../../core/available-memory.ts";
import { DEFAULT_BATCH_TOKENS } from "../choose-backend.ts";
import { type Demand, type PlannedWay, planWay, type Way } from "./fitting.ts";
import type { PlannedModel } from "./memory-plan.ts";

/** From the fastest to the slowest. Weights in float32 are never smaller, so they are no way out. */
const WAYS: readonly Way[] = [
  { device: "webgpu", dtype: "auto" },
  { device: "webgpu", dtype: "bf16" },
  { device: "wasm", dtype: "auto" },
  { device: "wasm", dtype: "bf16" },
  { device: "wasm", dtype: "int8" },
  { device: "reference", dtype: "auto" },
];

/** Every device with every way to keep weights that makes a difference for this model. */
export async function planWays(model: PlannedModel, demand: Partial<Demand> = {}): Promise<PlannedWay[]> {
  const available = availableMemory();
  const planned: PlannedWay[] = [];
  for (const way of WAYS) {
    const defaults: Demand = { maxBatchTokens: DEFAULT_BATCH_TOKENS[way.device], cacheTokens: 0, generates: false };
    const next = await planWay(model, way, { ...defaults, ...demand }, available);
    const same = planned.some(({ device, total }) => device === next.device && total === next.total); // bf16 as stored
    if (!same) planned.push(next);
  }
  return planned;
}
