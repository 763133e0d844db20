import { type GpuTensor, quadsOf, rowsOf } from "./gpu-activation.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { rowThreads } from "./rms-norm.ts";
import { tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";

export const normalizeKernel = {
  name: "normalize",
  bindings: { x: "read", out: "write" },
  params: { rows: "u32", dimensions: "u32", xStride: "u32" },
} as const;

/** The first columns, divided by their L2 norm. x [T, width] → out [T, dimensions] */
export function normalize(context: LaunchContext, x: GpuTensor, out: GpuTensor): Dispatch[] {
  return tensorChunks([x, out], context.limits, "normalize").map(({ start, count }) =>
    dispatch(normalizeKernel, {
      label: "normalize",
      constants: { threads: rowThreads(quadsOf(out.width)) },
      buffers: { x: rowsOf(x, start, count).slice, out: rowsOf(out, start, count).slice },
      params: { rows: count, dimensions: out.width, xStride: x.quads },
      workgroups: foldGrid(count, context.limits),
    }),
  );
}
