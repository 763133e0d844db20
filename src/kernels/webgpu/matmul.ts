import type { WeightDType } from "../../core/dtype.ts";
import { wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import { type GpuTensor, QUAD_BYTES, quadsOf, rowsOf } from "./gpu-activation.ts";
import type { GpuMatrix, Shard } from "./gpu-matrix.ts";
import { type Dispatch, dispatch, type KernelVariant } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import type { MatmulTile } from "./matmul-tiles.ts";
import { type RowChunk, rowChunks } from "./row-chunks.ts";
import { WEIGHT_TYPE } from "./weight-type.ts";

/** What happens to a product before it is written; the shaders' `epilogue`. */
export const EPILOGUE = { none: 0, residual: 1, swiglu: 2 } as const;

export interface Matmul {
  readonly x: GpuTensor;
  readonly weight: GpuMatrix;
  /** Rows of the weight to use, from a multiple of 8. @default all */
  readonly weightRows?: RowChunk;
  readonly epilogue: keyof typeof EPILOGUE;
  /** Added to the product where the epilogue says so. */
  readonly residual?: GpuTensor;
  readonly out: GpuTensor;
}

/** x · weightᵀ, with an epilogue. x [T, K], weight [N, K] → out [T, N], or [T, N/2] with SwiGLU */
export function matmul(context: Pick<LaunchContext, "limits" | "matmuls">, request: Matmul): Dispatch[] {
  const { x, weight, out, weightRows = { start: 0, count: weight.rows } } = request;
  const shape = { rows: x.rows, columns: weightRows.count, depth: x.width };
  const tile = context.matmuls.choose(shape);
  const most = context.limits.maxComputeWorkgroupsPerDimension;
  const rowBytes = [x.quads * QUAD_BYTES, out.quads * QUAD_BYTES];
  const chunks = rowChunks({ rows: x.rows, rowBytes, mostRows: most * tile.tileRows }, context.limits, weight.name);
  const parts = usedParts(weight.shards, weightRows, most * tile.tileColumns);
  return chunks.flatMap((chunk) =>
    parts.map((part) => {
      const columnsPerOut = request.epilogue === "swiglu" ? 2 : 1;
      const columns = quadsOf(part.count / columnsPerOut) * 4 * columnsPerOut; // results fill whole vec4s
      return dispatch(tile.kernel, {
        label: weight.name,
        constants: matmulConstants(tile, weight.dtype, request.epilogue),
        buffers: {
          x: rowsOf(x, chunk.start, chunk.count).slice,
          weight: wholeBuffer(part.shard.buffer),
          residual: rowsOf(request.residual ?? x, chunk.start, chunk.count).slice, // any buffer where it is not read
          out: rowsOf(out, chunk.start, chunk.count).slice,
        },
        params: {
          rows: chunk.count,
          columns: part.count,
          depth: x.quads,
          weightStart: part.start - part.shard.start,
          xStride: x.quads,
          outStride: out.quads,
          outStart: quadsOf((part.start - weightRows.start) / columnsPerOut),
        },
        workgroups: [Math.ceil(columns / tile.tileColumns), Math.ceil(chunk.count / tile.tileRows)],
        flops: 2 * chunk.count * part.count * x.width,
      });
    }),
  );
}

/** Of the pipeline that computes products of such weights with a tile. */
export function matmulConstants(
  tile: MatmulTile,
  dtype: WeightDType,
  epilogue: keyof typeof EPILOGUE,
): KernelVariant["constants"] {
  return { ...tile.constants, weightType: WEIGHT_TYPE[dtype], epilogue: EPILOGUE[epilogue] };
}

interface Part extends RowChunk {
  readonly shard: Shard;
}

/** The wanted rows of the weight, cut where its shards are cut and where a grid would get too wide. */
function usedParts(shards: readonly Shard[], wanted: RowChunk, mostRows: number): Part[] {
  const end = wanted.start + wanted.count;
  return shards.flatMap((shard) => {
    const first = Math.max(wanted.start, shard.start);
    const last = Math.min(end, shard.start + shard.rows);
    const parts: Part[] = [];
    for (let start = first; start < last; start += mostRows) {
      parts.push({ shard, start, count: Math.min(mostRows, last - start) });
    }
    return parts;
  });
}
