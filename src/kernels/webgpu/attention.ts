import type { Segment } from "../backend.ts";
import { type KeyParts, mergeWords } from "./attention-parts.ts";
import { groupTiles } from "./attention-tiles.ts";
import { type GpuTensor, QUAD_BYTES, rowsOf } from "./gpu-activation.ts";
import { type Constants, type Dispatch, dispatch, type Kernel } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { alignedRows, foldGrid } from "./row-chunks.ts";

type AttentionKernel = Kernel<
  "q" | "k" | "v" | "tiles" | "out",
  "qStride" | "kvStride" | "outStride" | "scale" | "firstTile"
>;

function attentionKernelOf(name: string): AttentionKernel {
  return {
    name,
    bindings: { q: "read", k: "read", v: "read", tiles: "read", out: "write" },
    params: { qStride: "u32", kvStride: "u32", outStride: "u32", scale: "f32", firstTile: "u32" },
  };
}

export const attentionKernel: AttentionKernel = attentionKernelOf("attention");
export const attentionSubgroupKernel: AttentionKernel = attentionKernelOf("attention-subgroup");

export const attentionMergeKernel = {
  name: "attention-merge",
  bindings: { parts: "read", merges: "read", out: "write" },
  params: { rows: "u32", partStride: "u32", outStride: "u32" },
} as const;

export interface Attention {
  readonly label: string;
  readonly q: GpuTensor;
  readonly k: GpuTensor;
  readonly v: GpuTensor;
  readonly headDim: number;
  readonly segments: readonly Segment[];
  /** Memory for the results of parts, where it is worth cutting the keys into some. [plan.rows, H·D + 4·H] */
  readonly parts?: { readonly plan: KeyParts; readonly tensor: GpuTensor } | undefined;
  readonly out: GpuTensor;
}

/** Causal grouped-query attention. q [Q, H·D], k, v [K, KV·D] → out [Q, H·D] */
export function attention(context: LaunchContext, request: Attention): Dispatch[] {
  const { q, k, segments, parts, out } = request;
  const largest = context.limits.maxStorageBufferBindingSize;
  const fitting = [q, k, ...(parts ? [parts.tensor] : [])].every(({ slice }) => slice.size <= largest);
  if (!parts || !fitting) return attend(context, { ...request, parts: undefined });
  const { plan, tensor } = parts;
  const merges = context.memo(segments, "merges", () => mergeWords(segments, plan, q.rows));
  return [
    ...attend(context, { ...request, out: tensor }),
    dispatch(attentionMergeKernel, {
      label: request.label,
      constants: { headDim: request.headDim },
      buffers: { parts: tensor.slice, merges: context.upload(merges), out: out.slice },
      params: { rows: q.rows, partStride: tensor.quads, outStride: out.quads },
      workgroups: [q.width / request.headDim, ...foldGrid(q.rows, context.limits)],
    }),
  ];
}

function attend(context: LaunchContext, { label, q, k, v, headDim, segments, parts, out }: Attention): Dispatch[] {
  const { limits } = context;
  const headsPerKv = q.width / k.width;
  const { kernel, constants, lines } = chooseKernel(context, headDim, headsPerKv);
  const key = `tiles ${lines} ${q.rows}x${q.quads} ${k.rows}x${k.quads} ${parts ? "in parts" : ""}`;
  const groups = context.memo(segments, key, () =>
    groupTiles(segments, {
      queriesPerTile: Math.floor(lines / headsPerKv),
      queryRows: q.rows,
      keyRows: k.rows,
      mostQueryRows: Math.floor(limits.maxStorageBufferBindingSize / (q.quads * QUAD_BYTES)),
      mostKeyRows: Math.floor(limits.maxStorageBufferBindingSize / (k.quads * QUAD_BYTES)),
      alignedRows: Math.max(alignedRows(q.quads * QUAD_BYTES, limits), alignedRows(k.quads * QUAD_BYTES, limits)),
      parts: parts?.plan,
    }),
  );
  const most = limits.maxComputeWorkgroupsPerDimension;
  return groups.flatMap(({ queryRows, keyRows, count, words }) => {
    const firsts = Array.from({ length: Math.ceil(count / most) }, (_, i) => i * most);
    return firsts.map((firstTile) =>
      dispatch(kernel, {
        label,
        constants: { headDim, headsPerKv, parts: parts ? 1 : 0, ...constants },
        buffers: {
          q: rowsOf(q, queryRows.start, queryRows.count).slice,
          k: rowsOf(k, keyRows.start, keyRows.count).slice,
          v: rowsOf(v, keyRows.start, keyRows.count).slice,
          tiles: context.upload(words),
          out: parts ? out.slice : rowsOf(out, queryRows.start, queryRows.count).slice,
        },
        params: { qStride: q.quads, kvStride: k.quads, outStride: out.quads, scale: headDim ** -0.5, firstTile },
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
