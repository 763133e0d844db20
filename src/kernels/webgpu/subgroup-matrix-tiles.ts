import type { AdapterSummary } from "../../core/gpu/adapter.ts";
import type { GpuLimits } from "../../core/gpu/limits.ts";
import type { SubgroupMatrix } from "../../core/gpu/subgroup-matrix.ts";
import { matmulSubgroupMatrixKernel } from "./matmul-kernels.ts";
import type { MatmulTile } from "./matmul-tiles.ts";

interface MatrixShape {
  /** Subgroups of a workgroup, and the results each of them owns. */
  readonly subgroups: readonly [down: number, across: number];
  readonly results: readonly [rows: number, columns: number];
  /** Multiplications along K of what is in workgroup memory at a time. */
  readonly steps: number;
  /** Where the adapter is no software. */
  readonly usualRows?: number;
}

const SHAPES: readonly MatrixShape[] = [
  { subgroups: [2, 2], results: [32, 32], steps: 2, usualRows: Infinity }, // 64 × 64
  { subgroups: [2, 4], results: [64, 32], steps: 1 }, // 128 × 128
];

/** What decides about a device's tiles. */
export interface MatrixDevice {
  readonly subgroupMatrix: SubgroupMatrix | undefined;
  readonly adapter: Pick<AdapterSummary, "software">;
  readonly limits: Pick<GpuLimits, "maxComputeInvocationsPerWorkgroup" | "maxComputeWorkgroupStorageSize">;
}

/** The tiles that a device's matrix units can compute. */
export function subgroupMatrixTiles({ subgroupMatrix, adapter, limits }: MatrixDevice): MatmulTile[] {
  if (!subgroupMatrix) return [];
  const fitting = SHAPES.filter(
    (shape) =>
      isWhole(shape, subgroupMatrix) &&
      subgroupsOf(shape) * subgroupMatrix.lanes <= limits.maxComputeInvocationsPerWorkgroup &&
      workgroupBytes(shape, subgroupMatrix) <= limits.maxComputeWorkgroupStorageSize,
  );
  return fitting.map((shape) => matrixTile(shape, subgroupMatrix, adapter.software));
}

function matrixTile(shape: MatrixShape, unit: SubgroupMatrix, software: boolean): MatmulTile {
  const { subgroups, results, steps, usualRows = 0 } = shape;
  const [tileRows, tileColumns] = tileOf(shape);
  return {
    name: `subgroup matrix ${tileRows}x${tileColumns}x${steps * unit.depth}`,
    kernel: matmulSubgroupMatrixKernel,
    constants: {
      Input: unit.input,
      PARTS: partsOf(unit),
      UNIT_ROWS: unit.rows,
      UNIT_COLUMNS: unit.columns,
      UNIT_DEPTH: unit.depth,
      ROWS: results[0] / unit.rows,
      COLUMNS: results[1] / unit.columns,
      SUBGROUP_ROWS: subgroups[0],
      SUBGROUPS: subgroupsOf(shape),
      LANES: unit.lanes,
      DEPTH: (steps * unit.depth) / 4,
    },
    tileRows,
    tileColumns,
    usualRows: software ? 0 : usualRows,
  };
}

function subgroupsOf({ subgroups: [down, across] }: MatrixShape): number {
  return down * across;
}

function tileOf({ subgroups, results }: MatrixShape): [rows: number, columns: number] {
  return [subgroups[0] * results[0], subgroups[1] * results[1]];
}

/** Inputs that together hold a float32. */
function partsOf({ input }: SubgroupMatrix): number {
  return input === "f16" ? 2 : 1;
}

/** Units fill a subgroup's results, and every thread loads as many vec4s of each operand. */
function isWhole(shape: MatrixShape, unit: SubgroupMatrix): boolean {
  const threads = subgroupsOf(shape) * unit.lanes;
  const loaded = tileOf(shape).map((lines) => (lines * shape.steps * unit.depth) / 4);
  const [rows, columns] = shape.results;
  return rows % unit.rows === 0 && columns % unit.columns === 0 && loaded.every((quads) => quads % threads === 0);
}

/** Everything that the shader declares, with float32 weights. */
function workgroupBytes(shape: MatrixShape, unit: SubgroupMatrix): number {
  const [rows, columns] = tileOf(shape);
  const inputs = (rows + columns) * (shape.steps * unit.depth + 4 * partsOf(unit)) * partsOf(unit);
  const words = subgroupsOf(shape) * unit.rows * unit.columns + rows + columns;
  return inputs * (unit.input === "f16" ? 2 : 4) + words * 4;
}
