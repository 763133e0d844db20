import { type GpuTensor, rowsOf } from "./gpu-activation.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { consecutive, placeRows, tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";

export const gatherRowsKernel = {
  name: "gather-rows",
  bindings: { x: "read", places: "read", out: "write" },
  params: { rows: "u32", quads: "u32" },
} as const;

export interface GatherRows {
  readonly label: string;
  readonly x: GpuTensor;
  readonly rows: Uint32Array;
  readonly out: GpuTensor;
  /** `gather`: out[i] = x[rows[i]]; `scatter`: out[rows[i]] = x[i]. */
  readonly direction: "gather" | "scatter";
}

/** Copies rows to or from the places named. x [.., K] → out [.., K] */
export function gatherRows(context: LaunchContext, { label, x, rows, out, direction }: GatherRows): Dispatch[] {
  const { limits } = context;
  const plan = context.memo(rows, `${direction} ${x.rows}x${x.quads} ${out.rows}x${out.quads}`, () => {
    const count = consecutive(rows.length);
    const [sources, destinations] = direction === "gather" ? [rows, count] : [count, rows];
    return placeRows(sources, destinations, tensorChunks([x], limits, label), tensorChunks([out], limits, label));
  });
  return plan.map(({ from, to, pairs }) =>
    dispatch(gatherRowsKernel, {
      label,
      buffers: {
        x: rowsOf(x, from.start, from.count).slice,
        places: context.upload(pairs),
        out: rowsOf(out, to.start, to.count).slice,
      },
      params: { rows: pairs.length / 2, quads: x.quads },
      workgroups: foldGrid(pairs.length / 2, limits),
    }),
  );
}
