import { dot } from "./dot.ts";
import type { HostMatrix } from "./host-matrix.ts";
import { HostTensor } from "./host-tensor.ts";

/** x · Wᵀ (+ residual). x [T, columns], W [rows, columns] → [T, rows] */
export function linear(x: HostTensor, weight: HostMatrix, residual?: HostTensor): HostTensor {
  const out = new HostTensor(x.rows, weight.rows);
  const weightRow = new Float32Array(weight.columns);
  for (let n = 0; n < weight.rows; n++) {
    weight.widenRow(n, weightRow);
    for (let t = 0; t < x.rows; t++) {
      const i = t * weight.rows + n;
      out.data[i] = dot(x.row(t), weightRow) + (residual?.data[i] ?? 0);
    }
  }
  return out;
}
