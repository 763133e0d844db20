import { type GpuTensor, rowsOf } from "./gpu-activation.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";

export const topKKernel = {
  name: "top-k",
  bindings: { x: "read", out: "write" },
  params: { rows: "u32", width: "u32", xStride: "u32", outStride: "u32", k: "u32" },
} as const;

/** The largest values of each row, their columns, and log Σ exp. x [T, width] → out [T, 2·k + 1] */
export function topK(context: LaunchContext, x: GpuTensor, k: number, out: GpuTensor): Dispatch[] {
  return tensorChunks([x, out], context.limits, "top k").map(({ start, count }) =>
    dispatch(topKKernel, {
      label: "top k",
      buffers: { x: rowsOf(x, start, count).slice, out: rowsOf(out, start, count).slice },
      params: { rows: count, width: x.width, xStride: 4 * x.quads, outStride: 4 * out.quads, k },
      workgroups: foldGrid(count, context.limits),
    }),
  );
}
