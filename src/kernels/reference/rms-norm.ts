import { dot } from "./dot.ts";
import { HostTensor } from "./host-tensor.ts";
import type { HostNorm } from "./host-norm.ts";

/** x · rsqrt(mean(x²) + eps) · weight, per row. [T, width] → [T, width] */
export function rmsNorm(x: HostTensor, norm: HostNorm): HostTensor {
  const out = new HostTensor(x.rows, x.width);
  for (let t = 0; t < x.rows; t++) normalizeRow(x.row(t), norm, out.row(t));
  return out;
}

/** The same for each head of a row: x [T, heads·D] is seen as [T·heads, D]. */
export function headNorm(x: HostTensor, norm: HostNorm): HostTensor {
  const heads = x.width / norm.width;
  const perHead = rmsNorm(new HostTensor(x.rows * heads, norm.width, x.data), norm);
  return new HostTensor(x.rows, x.width, perHead.data);
}

function normalizeRow(x: Float32Array, { weight, eps }: HostNorm, out: Float32Array): void {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + eps);
  for (let i = 0; i < x.length; i++) out[i] = (x[i] as number) * scale * (weight[i] as number);
}
