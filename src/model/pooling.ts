import type { Dense } from "./dense.ts";
import type { PackedBatch } from "./packed-batch.ts";

/** How a sequence's hidden states become one vector. */
export type PoolingMode = "lasttoken" | "mean";

/** Mean of each sequence's rows. hidden [T, width] → N vectors [width] */
export function meanRows(hidden: Float32Array, width: number, { cuSeqlens }: PackedBatch): Float32Array[] {
  return Array.from({ length: cuSeqlens.length - 1 }, (_, n) => {
    const start = cuSeqlens[n] ?? 0;
    const end = cuSeqlens[n + 1] ?? start;
    const sums = new Float64Array(width);
    for (let i = start * width; i < end * width; i++)
      sums[i % width] = (sums[i % width] as number) + (hidden[i] as number);
    return Float32Array.from(sums, (sum) => sum / (end - start));
  });
}

/** Rows of a matrix as vectors of their own. [N, width] → N vectors [width] */
export function splitRows(data: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: data.length / width }, (_, n) => data.slice(n * width, (n + 1) * width));
}

export interface FinishOptions {
  readonly dense: readonly Dense[];
  readonly dimensions: number;
  readonly normalize: boolean;
}

/** What follows pooling: Dense modules, then the cut, then the L2 norm. */
export function finishVector(pooled: Float32Array, { dense, dimensions, normalize }: FinishOptions): Float32Array {
  const whole = dense.reduce((vector, module) => module.apply(vector), pooled);
  const cut = whole.slice(0, dimensions);
  if (!normalize) return cut;
  const norm = Math.sqrt(cut.reduce((sum, value) => sum + value * value, 0));
  return cut.map((value) => value / Math.max(norm, 1e-12)); // torch's normalize: zeros stay zeros
}
