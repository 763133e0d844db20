import { wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import { type GpuTensor, rowsOf } from "./gpu-activation.ts";
import type { GpuNorm } from "./gpu-norm.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";

export const rmsNormKernel = {
  name: "rms-norm",
  bindings: { x: "read", weight: "read", out: "write" },
  params: { rows: "u32", quads: "u32", width: "f32", eps: "f32" },
} as const;

/** x · rsqrt(mean(x²) + eps) · weight. x [T, width] → out [T, width] */
export function rmsNorm(context: LaunchContext, x: GpuTensor, norm: GpuNorm, out: GpuTensor): Dispatch[] {
  return tensorChunks([x, out], context.limits, norm.name).map(({ start, count }) =>
    dispatch(rmsNormKernel, {
      label: norm.name,
      constants: { threads: rowThreads(x.quads) },
      buffers: {
        x: rowsOf(x, start, count).slice,
        weight: wholeBuffer(norm.buffer),
        out: rowsOf(out, start, count).slice,
      },
      params: { rows: count, quads: x.quads, width: x.width, eps: norm.eps },
      workgroups: foldGrid(count, context.limits),
    }),
  );
}

/** Threads for a row: a power of two, since the sums are halved; at least a wave, at most what every adapter has. */
export function rowThreads(quads: number): number {
  return Math.min(256, Math.max(32, 2 ** Math.floor(Math.log2(quads))));
}
