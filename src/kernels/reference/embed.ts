import { HostTensor } from "./host-tensor.ts";
import type { HostMatrix } from "./host-matrix.ts";

/** Looks up one row per token. table [vocab, hidden], ids [T] → [T, hidden] */
export function embed(table: HostMatrix, ids: Uint32Array): HostTensor {
  const out = new HostTensor(ids.length, table.columns);
  for (const [t, id] of ids.entries()) table.widenRow(id, out.row(t));
  return out;
}
