import { HostTensor } from "./host-tensor.ts";

/** The rows named, in that order. [T, width] → [rows.length, width] */
export function gatherRows(x: HostTensor, rows: Uint32Array): HostTensor {
  const out = new HostTensor(rows.length, x.width);
  for (const [i, row] of rows.entries()) out.row(i).set(x.row(row));
  return out;
}
