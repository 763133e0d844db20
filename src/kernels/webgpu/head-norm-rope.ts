import { wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import { type GpuTensor, quadsOf, rowsOf } from "./gpu-activation.ts";
import type { GpuNorm } from "./gpu-norm.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";
import type { RotaryTable } from "../backend.ts";

export const headNormRopeKernel = {
  name: "head-norm-rope",
  bindings: {
    product: "read",
    weight: "read",
    rotary: "read",
    positions: "read",
    out: "write",
  },
  params: { rows: "u32", firstRow: "u32", heads: "u32", productStride: "u32", productStart: "u32", eps: "f32" },
} as const;

export interface HeadNormRope {
  /** The projection's result, of which this takes `out.width` columns. */
  readonly product: GpuTensor;
  readonly firstColumn: number;
  readonly headDim: number;
  /** Copies if absent. */
  readonly norm?: GpuNorm;
  /** Does not turn if absent. */
  readonly rotary?: RotaryTable;
  /** Of every row. */
  readonly positions: Uint32Array;
  readonly out: GpuTensor;
}

/** The shader's `mode`. */
const MODE = { copy: 0, norm: 1, normAndTurn: 2 } as const;

/** One of q, k and v out of their common product. product [T, ..] → out [T, heads·D] */
export function headNormRope(context: LaunchContext, request: HeadNormRope): Dispatch[] {
  const { product, firstColumn, headDim, norm, rotary, positions, out } = request;
  const heads = out.width / headDim;
  const label = norm?.name ?? "v_proj";
  return tensorChunks([product, out], context.limits, label).map(({ start, count }) => {
    const anything = rowsOf(product, start, count).slice; // for bindings that this mode never reads
    return dispatch(headNormRopeKernel, {
      label,
      constants: { headDim, mode: norm ? (rotary ? MODE.normAndTurn : MODE.norm) : MODE.copy },
      buffers: {
        product: anything,
        weight: norm ? wholeBuffer(norm.buffer) : anything,
        rotary: rotary ? context.rotary(rotary) : anything,
        positions: context.upload(positions),
        out: rowsOf(out, start, count).slice,
      },
      params: {
        rows: count,
        firstRow: start,
        heads,
        productStride: product.quads,
        productStart: quadsOf(firstColumn),
        eps: norm?.eps ?? 0,
      },
      workgroups: [heads, ...foldGrid(count, context.limits)],
    });
  });
}
