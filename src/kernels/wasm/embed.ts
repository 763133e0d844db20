import { HostTable } from "../host-table.ts";
import type { Recorder } from "./program.ts";
import { STORED_SUFFIX, type WasmActivation, type WasmMatrix, activation } from "./wasm-objects.ts";

/** Looks up one row per token. table [vocab, hidden], ids [T] → [T, hidden] */
export function embed(recorder: Recorder, table: WasmMatrix | HostTable, ids: Uint32Array): WasmActivation {
  const out = activation(recorder, ids.length, table.columns);
  const common = { tiles: ids.length, inputs: [], outputs: [out.value] };
  if (table instanceof HostTable) {
    // The host picks the rows, so that the table need not lie in memory that only 32 bits address.
    const rows = new Uint32Array(table.gather(ids).buffer);
    const places = Uint32Array.from({ length: ids.length }, (_, t) => t);
    const args = [rows, places, out.value, table.columns, 0];
    recorder.step({ kernel: `embed${STORED_SUFFIX[table.dtype]}`, args, ...common });
  } else {
    recorder.step({
      kernel: `embed${table.suffix}`,
      args: [table.address, ids, out.value, table.columns, 1],
      ...common,
    });
  }
  return out;
}
