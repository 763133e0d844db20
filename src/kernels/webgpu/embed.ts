import { type GpuTensor, QUAD_BYTES, rowsOf } from "./gpu-activation.ts";
import { type GpuMatrix, rowStride } from "./gpu-matrix.ts";
import type { HostTable } from "../host-table.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { consecutive, placeRows, tensorChunks } from "./places.ts";
import { foldGrid, rowChunks } from "./row-chunks.ts";
import { wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import { WEIGHT_TYPE } from "./weight-type.ts";

export const embedKernel = {
  name: "embed",
  bindings: { stored: "read", places: "read", out: "write" },
  params: { rows: "u32", quads: "u32" },
} as const;

/** Token rows of a table that the host keeps: gathered there, widened on the GPU. ids [T] → out [T, hidden] */
export function embedFromHost(context: LaunchContext, table: HostTable, ids: Uint32Array, out: GpuTensor): Dispatch[] {
  const { limits } = context;
  const stride = rowStride(table);
  const chunks = rowChunks({ rows: ids.length, rowBytes: [stride, out.quads * QUAD_BYTES] }, limits, table.name);
  return chunks.map(({ start, count }) => {
    const pairs = consecutive(2 * count).map((i) => i >> 1);
    return dispatch(embedKernel, {
      label: table.name,
      constants: { weightType: WEIGHT_TYPE[table.dtype] },
      buffers: {
        stored: context.upload(table.gather(ids.subarray(start, start + count), stride)),
        places: context.upload(pairs),
        out: rowsOf(out, start, count).slice,
      },
      params: { rows: count, quads: out.quads },
      workgroups: foldGrid(count, limits),
    });
  });
}

/** Token rows of a table that is also a product's weight, and so in GPU memory. ids [T] → out [T, hidden] */
export function embedFromGpu(context: LaunchContext, table: GpuMatrix, ids: Uint32Array, out: GpuTensor): Dispatch[] {
  const { limits } = context;
  const shards = table.shards.map(({ start, rows }) => ({ start, count: rows }));
  const plan = placeRows(ids, consecutive(ids.length), shards, tensorChunks([out], limits, table.name));
  return plan.map(({ from, to, pairs }) => {
    const shard = table.shards.find(({ start }) => start === from.start);
    if (!shard) throw new RangeError(`no shard of '${table.name}' begins at row ${from.start}`);
    return dispatch(embedKernel, {
      label: table.name,
      constants: { weightType: WEIGHT_TYPE[table.dtype] },
      buffers: {
        stored: wholeBuffer(shard.buffer),
        places: context.upload(pairs),
        out: rowsOf(out, to.start, to.count).slice,
      },
      params: { rows: pairs.length / 2, quads: out.quads },
      workgroups: foldGrid(pairs.length / 2, limits),
    });
  });
}
