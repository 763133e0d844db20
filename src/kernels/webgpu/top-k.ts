import { type GpuTensor, quadsOf, rowsOf } from "./gpu-activation.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";

export const topKKernel = {
  name: "top-k",
  bindings: { x: "read", out: "write" },
  params: { rows: "u32", width: "u32", chunk: "u32", xStride: "u32", outStride: "u32", k: "u32" },
} as const;

/** Columns of a workgroup: as many as make 151,669 logits work for every core of a GPU. */
const CHUNK = 4096;

export interface TopK {
  readonly x: GpuTensor;
  readonly k: number;
  /** [T, candidateWidth], where a row has several chunks. */
  readonly candidates: GpuTensor;
  readonly out: GpuTensor;
}

/** Values that the chunks of a row give: k values, k columns and a sum each. */
export function candidateWidth(width: number, k: number): number {
  return Math.ceil(width / CHUNK) * (2 * k + 1);
}

/** The largest values of each row, their columns, and log Σ exp. x [T, width] → out [T, 2·k + 1] */
export function topK(context: LaunchContext, { x, k, candidates, out }: TopK): Dispatch[] {
  const chunks = Math.ceil(x.width / CHUNK);
  if (chunks === 1) return select(context, { from: x, to: out, width: x.width, chunks, k, merging: 0 });
  return [
    ...select(context, { from: x, to: candidates, width: x.width, chunks, k, merging: 0 }),
    ...select(context, { from: candidates, to: out, width: chunks * k, chunks: 1, k, merging: 1 }),
  ];
}

interface Stage {
  readonly from: GpuTensor;
  readonly to: GpuTensor;
  /** Values to choose from. */
  readonly width: number;
  readonly chunks: number;
  readonly k: number;
  readonly merging: 0 | 1;
}

/** A wave of every GPU; software adapters pay for every thread at a barrier. */
function threadsOf({ lanes }: LaunchContext): number {
  return lanes === undefined ? 64 : 2 * lanes;
}

function select(context: LaunchContext, { from, to, width, chunks, k, merging }: Stage): Dispatch[] {
  return tensorChunks([from, to], context.limits, "top k").map(({ start, count }) =>
    dispatch(topKKernel, {
      label: "top k",
      constants: { merging, threads: threadsOf(context) },
      buffers: { x: rowsOf(from, start, count).slice, out: rowsOf(to, start, count).slice },
      params: {
        rows: count,
        width,
        chunk: chunks === 1 ? width : CHUNK,
        xStride: 4 * quadsOf(from.width),
        outStride: 4 * quadsOf(to.width),
        k,
      },
      workgroups: [chunks, ...foldGrid(count, context.limits)],
    }),
  );
}
