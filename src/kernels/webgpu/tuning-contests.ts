import type { WeightDType } from "../../core/dtype.ts";
import type { DecoderShape } from "../backend.ts";
import type { GpuMatrix } from "./gpu-matrix.ts";
import type { GpuSession } from "./gpu-session.ts";
import type { EPILOGUE } from "./matmul.ts";
import { type MatmulTile, ROW_BUCKETS } from "./matmul-tiles.ts";
import { type ProductRole, rolesOf } from "./rehearsal.ts";
import type { TuningScratch } from "./tuning-scratch.ts";

/** Enough to keep a large GPU busy. */
const MOST_COLUMNS = 2048;

const EPILOGUE_OF: Readonly<Record<ProductRole, keyof typeof EPILOGUE>> = {
  qkv: "none",
  o: "residual",
  "gate-up": "swiglu",
  down: "residual",
  head: "none",
};

export interface ModelProducts {
  readonly shape: DecoderShape;
  /** Of all layers. */
  readonly matrices: readonly GpuMatrix[];
}

/** Matrices of one size and dtype, which are used alike. */
interface ProductGroup {
  readonly columns: number;
  readonly depth: number;
  readonly dtype: WeightDType;
  /** Of the columns: more of them are more of the same. */
  readonly timedColumns: number;
  readonly matrices: readonly GpuMatrix[];
  readonly epilogue: keyof typeof EPILOGUE;
}

/** Which tile is fastest for a product with so many rows? */
export interface Contest {
  readonly group: ProductGroup;
  readonly bucket: number;
  readonly rows: number;
  readonly candidates: readonly MatmulTile[];
}

/** Large batches first: they gain most, should time run out. */
export function listContests({ matmuls }: GpuSession, model: ModelProducts, scratch: TuningScratch): Contest[] {
  const groups = productGroups(model);
  const buckets = ROW_BUCKETS.map(({ sample }, bucket) => ({ bucket, rows: sample })).toReversed();
  return buckets.flatMap(({ bucket, rows }) =>
    groups
      .filter(({ timedColumns, depth }) => scratch.fits(rows, timedColumns, depth))
      .map((group) => ({ group, bucket, rows, candidates: matmuls.candidates({ rows, depth: group.depth }) })),
  );
}

function productGroups({ shape, matrices }: ModelProducts): ProductGroup[] {
  const alike = new Map<string, GpuMatrix[]>();
  for (const matrix of matrices) {
    const key = `${matrix.rows}x${matrix.columns} ${matrix.dtype}`;
    alike.set(key, [...(alike.get(key) ?? []), matrix]);
  }
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    const [role] = first ? rolesOf(first, shape) : [];
    // A reranker's two rows of a head are next to no work.
    if (!first || !role || (role === "head" && first.rows < 64)) return [];
    const product = { columns: first.rows, depth: first.columns, dtype: first.dtype };
    return [
      { ...product, timedColumns: Math.min(first.rows, MOST_COLUMNS), matrices: group, epilogue: EPILOGUE_OF[role] },
    ];
  });
}
