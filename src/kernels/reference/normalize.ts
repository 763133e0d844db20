import { dot } from "./dot.ts";
import { HostTensor } from "./host-tensor.ts";

/** As torch.nn.functional.normalize: a zero vector stays zero instead of becoming NaN. */
const SMALLEST_NORM = 1e-12;

/** The first `dimensions` columns, divided by their L2 norm. [T, width] → [T, dimensions] */
export function normalize(x: HostTensor, dimensions: number): HostTensor {
  const out = new HostTensor(x.rows, dimensions);
  for (let t = 0; t < x.rows; t++) {
    const row = x.row(t).subarray(0, dimensions);
    const norm = Math.max(Math.sqrt(dot(row, row)), SMALLEST_NORM);
    out.row(t).set(row.map((value) => value / norm));
  }
  return out;
}
