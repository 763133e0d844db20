import type { HostMatrix } from "./host-matrix.ts";
import { HostTensor } from "./host-tensor.ts";
import { linear } from "./linear.ts";

/** silu(gate) · up; row 2i of the weight is gate i, row 2i+1 is up i. x [T, hidden], W [2·I, hidden] → [T, I] */
export function gateUp(x: HostTensor, weight: HostMatrix): HostTensor {
  const pairs = linear(x, weight).data;
  const out = new HostTensor(x.rows, weight.rows / 2);
  for (let i = 0; i < out.data.length; i++) out.data[i] = silu(pairs[2 * i] as number) * (pairs[2 * i + 1] as number);
  return out;
}

/** x · sigmoid(x) */
function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}
