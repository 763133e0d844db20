import { HostTensor } from "./host-tensor.ts";

/**
 * The k largest values of each row, largest first and of equal ones the lower column first; their columns; log Σ exp.
 * [T, width] → [T, 2·k + 1]
 */
export function topK(x: HostTensor, k: number): HostTensor {
  const out = new HostTensor(x.rows, 2 * k + 1);
  for (let t = 0; t < x.rows; t++) {
    const row = x.row(t);
    const columns = Uint32Array.from(row.keys()).sort((a, b) => (row[b] as number) - (row[a] as number) || a - b);
    const largest = columns.subarray(0, k);
    const result = out.row(t);
    for (const [i, column] of largest.entries()) result[i] = row[column] as number;
    result.set(largest, k);
    result[2 * k] = logSumExp(row, result[0] as number);
  }
  return out;
}

function logSumExp(row: Float32Array, max: number): number {
  return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
}
