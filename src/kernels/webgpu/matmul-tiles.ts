import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import type { Constants } from "./kernel.ts";
import {
  matmulFewRowsKernel,
  matmulFewRowsSubgroupKernel,
  type MatmulKernel,
  matmulSubgroupKernel,
  matmulTiledKernel,
} from "./matmul-kernels.ts";
import { subgroupMatrixTiles } from "./subgroup-matrix-tiles.ts";

/** A kernel with its constants, and how much of the result one workgroup computes. */
export interface MatmulTile {
  /** Unique; tuning results are stored under it. */
  readonly name: string;
  readonly kernel: MatmulKernel;
  readonly constants: Constants;
  readonly tileRows: number;
  readonly tileColumns: number;
  /** Never taken for more rows. @default any number */
  readonly mostRows?: number;
  /** What K, padded to a multiple of 4, must be a multiple of. @default 4 */
  readonly depthStep?: number;
  /** Taken for at most so many rows where nothing was timed; of several tiles the least such number decides, then the last tile. @default 0 */
  readonly usualRows?: number;
}

/**
 * Products are alike in which tile is best if their rows are in the same bucket: up to so many. The tuner times the
 * sample for each of them.
 */
export const ROW_BUCKETS: readonly { readonly most: number; readonly sample: number }[] = [
  { most: 1, sample: 1 },
  { most: 4, sample: 4 },
  { most: 16, sample: 16 },
  { most: 64, sample: 64 },
  { most: 512, sample: 256 },
  { most: Infinity, sample: 1024 },
];

/** The bucket of so many rows, as an index. */
export function rowBucket(rows: number): number {
  return ROW_BUCKETS.findIndex(({ most }) => rows <= most);
}

interface TiledShape {
  /** Threads of a workgroup, each of which owns 4 · rowQuads rows × 8 columns. */
  readonly threadRows: number;
  readonly threadColumns: number;
  readonly rowQuads: number;
  /** Of a step along K, in vec4s. */
  readonly depth: number;
  readonly usualRows?: number;
}

const TILED_SHAPES: readonly TiledShape[] = [
  { threadRows: 8, threadColumns: 8, rowQuads: 1, depth: 4, usualRows: 64 }, // 32 × 64, fits every adapter
  { threadRows: 4, threadColumns: 16, rowQuads: 1, depth: 4 }, // 16 × 128, for few rows
  { threadRows: 8, threadColumns: 8, rowQuads: 2, depth: 4, usualRows: Infinity }, // 64 × 64
  { threadRows: 16, threadColumns: 8, rowQuads: 2, depth: 2 }, // 128 × 64
  { threadRows: 16, threadColumns: 16, rowQuads: 2, depth: 2 }, // 128 × 128
];

/** Rows × columns of results per workgroup. More columns have more loads under way, more rows need the registers. */
const FEW_ROWS_SHAPES = [
  { rows: 1, columns: 8 },
  { rows: 4, columns: 4 },
  { rows: 8, columns: 4 },
  { rows: 16, columns: 4 },
] as const;

/** Every tile that a device can run. The first runs everywhere and is what others are replaced by when they fail. */
export function matmulTiles(device: GpuDevice): readonly MatmulTile[] {
  const { limits } = device;
  const tiled = TILED_SHAPES.filter(
    (shape) =>
      shape.threadRows * shape.threadColumns <= limits.maxComputeInvocationsPerWorkgroup &&
      workgroupBytes(shape) <= limits.maxComputeWorkgroupStorageSize,
  ).map(tiledTile);
  const fewRows = FEW_ROWS_SHAPES.map((shape) => fewRowsTile(shape, device));
  const matrices = subgroupMatrixTiles(device);
  const lanes = smallSubgroup(device);
  if (lanes === undefined) return [...tiled, ...fewRows, ...matrices];
  // Sixteen rows a workgroup are fastest; eight compile in half the time, which decides for a query.
  const subgroup = [singleRowTile(lanes), subgroupTile(lanes, 1, 64), subgroupTile(lanes, 2, Infinity)];
  return [...tiled, ...fewRows, ...matrices, ...subgroup];
}

/**
 * Lanes of a software adapter's subgroups. Its threads are the lanes of a CPU's vectors and it loads lane by lane, so
 * kernels that load little and shuffle much are best.
 */
export function smallSubgroup({ adapter, subgroupSize }: GpuDevice): number | undefined {
  return adapter.software && subgroupSize !== undefined && subgroupSize <= 8 ? subgroupSize : undefined;
}

function tiledTile({ threadRows, threadColumns, rowQuads, depth, usualRows = 0 }: TiledShape): MatmulTile {
  const [tileRows, tileColumns] = [threadRows * rowQuads * 4, threadColumns * 8];
  return {
    name: `tiled ${tileRows}x${tileColumns}x${depth * 4}`,
    kernel: matmulTiledKernel,
    constants: { threadColumns, threadRows, depth, ROW_QUADS: rowQuads },
    tileRows,
    tileColumns,
    usualRows,
  };
}

/** Both of the shader's tiles, with their padding. */
function workgroupBytes({ threadRows, threadColumns, rowQuads, depth }: TiledShape): number {
  return depth * 4 * (threadRows * rowQuads + 1 + threadColumns * 2 + 1) * 16;
}

/** Where all subgroups have one size, one of them does without workgroup memory. */
function fewRowsTile({ rows, columns }: (typeof FEW_ROWS_SHAPES)[number], device: GpuDevice): MatmulTile {
  const { subgroupSize } = device;
  const [kernel, threads] =
    subgroupSize === undefined
      ? [matmulFewRowsKernel, { threads: 64 }]
      : [matmulFewRowsSubgroupKernel, { lanes: subgroupSize }];
  return {
    name: `few rows ${rows}x${columns}`,
    kernel,
    constants: { ...threads, ROWS: rows, COLUMNS: columns },
    tileRows: rows,
    tileColumns: columns,
    mostRows: 16,
    depthStep: 8,
    // software adapters load lane by lane, so that neighbouring places are no help
    usualRows: smallSubgroup(device) === undefined ? rows : 0,
  };
}

/** For decoding: the other rows of a group would be computed for nothing. */
function singleRowTile(lanes: number): MatmulTile {
  return {
    name: `subgroup 1x${lanes * 4}`,
    kernel: matmulSubgroupKernel,
    constants: { LANES: lanes, ROW_GROUPS: 1, GROUP_ROWS: 1 },
    tileRows: 1,
    tileColumns: lanes * 4,
    mostRows: 4,
    usualRows: 1,
  };
}

function subgroupTile(lanes: number, rowGroups: number, usualRows: number): MatmulTile {
  const [tileRows, tileColumns] = [lanes * rowGroups, lanes * 4];
  return {
    name: `subgroup ${tileRows}x${tileColumns}`,
    kernel: matmulSubgroupKernel,
    constants: { LANES: lanes, ROW_GROUPS: rowGroups },
    tileRows,
    tileColumns,
    usualRows,
  };
}
