import { bytesIn, type PlannedModel, weightBytes } from "../../model/memory/memory-plan.ts";
import { planWays } from "../../model/memory/ways.ts";
import { formatBytes, table } from "../terminal.ts";

/** A device and dtype, and what a model takes with them. Bytes. */
export interface FittingWay {
  readonly device: string;
  readonly dtype: string;
  readonly weights: number;
  /** With what is needed to load them, or to compute batches of the device's usual size. */
  readonly total: number;
  /** Of it in the GPU's memory, whose size WebGPU does not tell. */
  readonly gpu: number;
  /** What there is too little of, and how much of it there is. */
  readonly lacks: { readonly what: string; readonly limit: number } | undefined;
}

export async function fittingWays(model: PlannedModel): Promise<FittingWay[]> {
  const ways = await planWays(model);
  return ways.map(({ device, dtype, plan, total, shortage }) => {
    const lacks = shortage && { what: shortage.what, limit: shortage.limit };
    return { device, dtype, weights: weightBytes(plan), total, gpu: bytesIn(plan, "gpu"), lacks };
  });
}

export function fittingTable(ways: readonly FittingWay[]): string {
  const rows = ways.map((way) => [
    way.device,
    way.dtype,
    formatBytes(way.weights),
    formatBytes(way.total),
    answer(way),
  ]);
  return table([["DEVICE", "DTYPE", "WEIGHTS", "IN ALL", ""], ...rows], ["left", "left", "right", "right"]);
}

function answer({ lacks, gpu }: FittingWay): string {
  if (lacks) return `no: ${lacks.what} has ${formatBytes(lacks.limit)}`;
  return gpu > 0 ? `on a GPU with ${formatBytes(gpu)} free` : "yes";
}
