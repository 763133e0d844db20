import { Qwen3Error } from "../../core/errors.ts";
import type { GpuLimits } from "../../core/gpu/limits.ts";

export interface RowChunk {
  readonly start: number;
  readonly count: number;
}

export interface RowsToCut {
  readonly rows: number;
  /** Bytes of a row of each tensor that is bound; multiples of 16. */
  readonly rowBytes: readonly number[];
  /** Most rows that one grid of workgroups can cover. @default any number */
  readonly mostRows?: number;
}

/**
 * Cuts rows into the fewest runs of which each fits one binding and begins at an offset that a binding may have.
 *
 * @param what for the error
 * @throws Qwen3Error `too-large` if the binding limit cannot hold even the least number of rows
 */
export function rowChunks(
  { rows, rowBytes, mostRows = Infinity }: RowsToCut,
  limits: GpuLimits,
  what: string,
): RowChunk[] {
  const largest = limits.maxStorageBufferBindingSize;
  const widest = Math.max(...rowBytes);
  const fitting = Math.min(Math.floor(largest / widest), mostRows);
  const aligned = Math.max(...rowBytes.map((bytes) => alignedRows(bytes, limits)));
  if (fitting < aligned && fitting < rows) {
    throw new Qwen3Error(
      "too-large",
      `${what}: ${aligned} rows of ${widest} bytes do not fit this adapter's bindings of ${largest} bytes; ` +
        `choose another adapter or the device 'wasm'`,
    );
  }
  const step = fitting >= rows ? rows : Math.floor(fitting / aligned) * aligned;
  const chunks: RowChunk[] = [];
  for (let start = 0; start < rows; start += step) chunks.push({ start, count: Math.min(step, rows - start) });
  return chunks;
}

/** Least number of rows whose bytes are a multiple of the offset alignment, which is a power of two. */
export function alignedRows(rowBytes: number, { minStorageBufferOffsetAlignment: alignment }: GpuLimits): number {
  let rows = 1;
  while ((rows * rowBytes) % alignment !== 0) rows *= 2;
  return rows;
}

/** A grid of at least `count` workgroups that keeps within the limit of one dimension. */
export function foldGrid(count: number, { maxComputeWorkgroupsPerDimension: most }: GpuLimits): [number, number] {
  const folds = Math.ceil(count / most);
  return folds <= 1 ? [count, 1] : [Math.ceil(count / folds), folds];
}
