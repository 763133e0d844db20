import type { Segment } from "../backend.ts";
import { groupTiles } from "./attention-tiles.ts";
import { type GpuTensor, QUAD_BYTES, rowsOf } from "./gpu-activation.ts";
import { type Constants, type Dispatch, dispatch, type Kernel } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { alignedRows } from "./row-chunks.ts";

type AttentionKernel = Kernel<"q" | "k" | "v" | "tiles" | "out", "qStride" | "kvStride" | "scale" | "firstTile">;

function attentionKernelOf(name: string): AttentionKernel {
  return {
    name,
    bindings: { q: "read", k: "read", v: "read", tiles: "read", out: "write" },
    params: { qStride: "u32", kvStride: "u32", scale: "f32", firstTile: "u32" },
  };
}

export const attentionKernel: AttentionKernel = attentionKernelOf("attention");
export const attentionSubgroupKernel: AttentionKernel = attentionKernelOf("attention-subgroup");

export interface Attention {
  readonly label: string;
  readonly q: GpuTensor;
  readonly k: GpuTensor;
  readonly v: GpuTensor;
  readonly headDim: number;
  readonly segments: readonly Segment[];
  readonly out: GpuTensor;
}

/** Causal grouped-query attention. q [Q, H·D], k, v [K, KV·D] → out [Q, H·D] */
export function attention(context: LaunchContext, { label, q, k, v, headDim, segments, out }: Attention): Dispatch[] {
  const { limits } = context;
  const headsPerKv = q.width / k.width;
  const { kernel, constants, lines } = chooseKernel(context, headDim, headsPerKv);
  const groups = context.memo(segments, `tiles ${lines} ${q.rows}x${q.quads} ${k.rows}x${k.quads}`, () =>
    groupTiles(segments, {
      queriesPerTile: Math.floor(lines / headsPerKv),
      queryRows: q.rows,
      keyRows: k.rows,
      mostQueryRows: Math.floor(limits.maxStorageBufferBindingSize / (q.quads * QUAD_BYTES)),
      mostKeyRows: Math.floor(limits.maxStorageBufferBindingSize / (k.quads * QUAD_BYTES)),
      alignedRows: Math.max(alignedRows(q.quads * QUAD_BYTES, limits), alignedRows(k.quads * QUAD_BYTES, limits)),
    }),
  );
  const most = limits.maxComputeWorkgroupsPerDimension;
  return groups.flatMap(({ queryRows, keyRows, count, words }) => {
    const firsts = Array.from({ length: Math.ceil(count / most) }, (_, i) => i * most);
    return firsts.map((firstTile) =>
      dispatch(kernel, {
        label,
        constants: { headDim, headsPerKv, ...constants },
        buffers: {
          q: rowsOf(q, queryRows.start, queryRows.count).slice,
          k: rowsOf(k, keyRows.start, keyRows.count).slice,
          v: rowsOf(v, keyRows.start, keyRows.count).slice,
          tiles: context.upload(words),
          out: rowsOf(out, queryRows.start, queryRows.count).slice,
        },
        params: { qStride: q.quads, kvStride: k.quads, scale: headDim ** -0.5, firstTile },
        workgroups: [Math.min(most, count - firstTile), k.width / headDim],
      }),
    );
  });
}

interface AttentionVariant {
  readonly kernel: AttentionKernel;
  readonly constants: Constants;
  /** Pairs of query row and head in a tile. */
  readonly lines: number;
}

function chooseKernel(context: LaunchContext, headDim: number, headsPerKv: number): AttentionVariant {
  const { limits, lanes } = context;
  if (lanes !== undefined && headsPerKv <= lanes && context.trusts(attentionSubgroupKernel)) {
    const constants = { LANES: lanes, COLUMNS: Math.ceil(headDim / 4 / lanes) };
    return { kernel: attentionSubgroupKernel, constants, lines: lanes };
  }
  const lines = linesPerTile(headDim, headsPerKv, limits.maxComputeWorkgroupStorageSize);
  return { kernel: attentionKernel, constants: { ROWS: lines, COLUMNS: Math.ceil(headDim / 64) }, lines };
}

/** Keys per step in the shader. */
const KEYS = 16;

/** As many lines of (query, head) as workgroup memory holds, at most 32: a multiple of 8, and of the heads if it can be. */
export function linesPerTile(headDim: number, headsPerKv: number, workgroupBytes: number): number {
  const lineBytes = (headDim / 4 + 1) * QUAD_BYTES;
  const fitting = Math.floor((workgroupBytes - KEYS * lineBytes) / (lineBytes + KEYS * 4));
  const lines = Math.min(32, Math.floor(fitting / 8) * 8);
  return Math.max(lines, Math.ceil(headsPerKv / 8) * 8);
}
