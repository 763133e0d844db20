import type { GpuLimits } from "../../core/gpu/limits.ts";
import type { GpuTensor } from "./gpu-activation.ts";
import { QUAD_BYTES } from "./gpu-activation.ts";
import { type RowChunk, rowChunks } from "./row-chunks.ts";

/** Rows to copy between one run of source rows and one run of destination rows. */
export interface PlacedRows {
  readonly from: RowChunk;
  readonly to: RowChunk;
  /** (row within `from`, row within `to`) of every copy. */
  readonly pairs: Uint32Array;
}

/** Row `sources[i]` goes to `destinations[i]`, sorted by which parts of both have to be bound. */
export function placeRows(
  sources: Uint32Array,
  destinations: Uint32Array,
  from: readonly RowChunk[],
  to: readonly RowChunk[],
): PlacedRows[] {
  const placed: PlacedRows[] = [];
  for (const source of from) {
    for (const destination of to) {
      const pairs: number[] = [];
      for (const [i, row] of sources.entries()) {
        const target = destinations[i] as number;
        if (!contains(source, row) || !contains(destination, target)) continue;
        pairs.push(row - source.start, target - destination.start);
      }
      if (pairs.length > 0) placed.push({ from: source, to: destination, pairs: Uint32Array.from(pairs) });
    }
  }
  return placed;
}

function contains({ start, count }: RowChunk, row: number): boolean {
  return row >= start && row < start + count;
}

/** 0, 1, … count − 1 */
export function consecutive(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** The runs of rows in which each of these tensors of as many rows fits a binding. */
export function tensorChunks(tensors: readonly GpuTensor[], limits: GpuLimits, what: string): RowChunk[] {
  const rowBytes = tensors.map(({ quads }) => quads * QUAD_BYTES);
  return rowChunks({ rows: tensors[0]?.rows ?? 0, rowBytes }, limits, what);
}
