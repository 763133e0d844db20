import { type BufferSlice, wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { RotaryTable } from "../backend.ts";
import { type GpuTensor, QUAD_BYTES, rowsOf } from "./gpu-activation.ts";
import type { GpuNorm } from "./gpu-norm.ts";
import { type Dispatch, dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { tensorChunks } from "./places.ts";
import { foldGrid } from "./row-chunks.ts";

export const headNormRopeKernel = {
  name: "head-norm-rope",
  bindings: {
    product: "read",
    qWeight: "read",
    kWeight: "read",
    rotary: "read",
    positions: "read",
    q: "write",
    k: "write",
    v: "write",
  },
  params: {
    rows: "u32",
    firstRow: "u32",
    qHeads: "u32",
    kvHeads: "u32",
    productStride: "u32",
    qEps: "f32",
    kEps: "f32",
  },
} as const;

export interface HeadNormRope {
  /** [T, (H + 2·KV)·D] */
  readonly product: GpuTensor;
  readonly qNorm: GpuNorm;
  readonly kNorm: GpuNorm;
  /** Does not turn if absent. */
  readonly rotary?: RotaryTable | undefined;
  /** Of every row. */
  readonly positions: Uint32Array;
  /** Of no width where the product has no such columns. */
  readonly q: GpuTensor;
  readonly k: GpuTensor;
  readonly v: GpuTensor;
}

/** q, k and v out of their common product. product [T, (H + 2·KV)·D] → q [T, H·D], k, v [T, KV·D] */
export function headNormRope(context: LaunchContext, request: HeadNormRope): Dispatch[] {
  const { product, qNorm, kNorm, rotary, positions, q, k, v } = request;
  const headDim = qNorm.width;
  const [qHeads, kvHeads] = [q.width / headDim, k.width / headDim];
  const label = (qHeads > 0 ? qNorm : kNorm).name;
  return tensorChunks([product, q, k, v], context.limits, label).map(({ start, count }) => {
    const rows = rowsOf(product, start, count).slice;
    return dispatch(headNormRopeKernel, {
      label,
      constants: { headDim, turn: rotary ? 1 : 0 },
      buffers: {
        product: rows,
        qWeight: wholeBuffer(qNorm.buffer),
        kWeight: wholeBuffer(kNorm.buffer),
        rotary: rotary ? context.rotary(rotary) : rows, // not read
        positions: context.upload(positions),
        q: written(q, start, count),
        k: written(k, start, count),
        v: written(v, start, count),
      },
      params: {
        rows: count,
        firstRow: start,
        qHeads,
        kvHeads,
        productStride: product.quads,
        qEps: qNorm.eps,
        kEps: kNorm.eps,
      },
      workgroups: [qHeads + 2 * kvHeads, ...foldGrid(count, context.limits)],
    });
  });
}

/** What has no width is not written, but no other binding may be the same memory. */
function written(tensor: GpuTensor, start: number, count: number): BufferSlice {
  return tensor.width === 0 ? { ...tensor.slice, size: QUAD_BYTES } : rowsOf(tensor, start, count).slice;
}
