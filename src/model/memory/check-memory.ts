import { Qwen3Error } from "../../core/errors.ts";
import { mayHaveGpu } from "../../core/gpu/may-have-gpu.ts";
import { type Demand, type PlannedWay, planWay, type Shortage, type Way } from "./fitting.ts";
import { bytesIn, type PlannedModel, weightBytes } from "./memory-plan.ts";
import { planWays } from "./ways.ts";

/**
 * Refuses a model that cannot fit, before anything of it is read.
 *
 * @throws Qwen3Error `too-large` with the sizes, the limit, and what would fit
 */
export async function checkMemory(model: PlannedModel, way: Way, demand: Demand): Promise<void> {
  const planned = await planWay(model, way, demand);
  const { shortage } = planned;
  if (!shortage) return;
  const fitting = [...smallerBatches(shortage, demand), ...(await otherWays(model, planned, demand))];
  const fits = fitting.length === 0 ? "only a smaller model" : [...fitting, "a smaller model"].join("; ");
  const message = `${describe(model, planned, shortage)}. What would fit: ${fits}`;
  throw new Qwen3Error("too-large", message);
}

function describe(model: PlannedModel, planned: PlannedWay, { what, needed, limit }: Shortage): string {
  const { plan, total, device, dtype } = planned;
  const weights = weightBytes(plan);
  const there = needed < total ? `, ${gib(needed)} of it there` : "";
  return (
    `${model.checkpoint.name} needs ${gib(total)} with device "${device}" and dtype "${dtype}" ` +
    `(${gib(weights)} of weights, ${gib(total - weights)} to load and compute)${there}; ${what} has ${gib(limit)}`
  );
}

function smallerBatches({ fittingBatchTokens }: Shortage, { maxBatchTokens }: Demand): string[] {
  return fittingBatchTokens > 0 ? [`maxBatchTokens ${fittingBatchTokens} (now ${maxBatchTokens})`] : [];
}

async function otherWays(model: PlannedModel, asked: PlannedWay, demand: Demand): Promise<string[]> {
  const ways = await planWays(model, demand);
  return ways
    .filter(({ shortage }) => !shortage)
    .filter(({ device, total }) => device !== asked.device || total !== asked.total)
    .filter(({ device }) => device !== "webgpu" || mayHaveGpu())
    .map(
      ({ device, dtype, plan, total }) =>
        `device "${device}" with dtype "${dtype}" (${where(bytesIn(plan, "gpu"), total)})`,
    );
}

function where(gpuBytes: number, total: number): string {
  return gpuBytes > 0 ? `a GPU with ${gib(gpuBytes)} free` : gib(total);
}

/** With two digits, so that neighbours can be told apart. */
function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
