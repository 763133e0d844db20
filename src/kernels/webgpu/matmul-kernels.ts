import type { Kernel } from "./kernel.ts";

export type MatmulBinding = "x" | "weight" | "residual" | "out";
export type MatmulParam = "rows" | "columns" | "depth" | "weightStart" | "xStride" | "outStride" | "outStart";
export type MatmulKernel = Kernel<MatmulBinding, MatmulParam>;

/** Every matrix product kernel has these bindings and parameters, so that they can stand in for each other. */
function matmulKernel(name: string): MatmulKernel {
  return {
    name,
    bindings: { x: "read", weight: "read", residual: "read", out: "write" },
    params: {
      rows: "u32",
      columns: "u32",
      depth: "u32",
      weightStart: "u32",
      xStride: "u32",
      outStride: "u32",
      outStart: "u32",
    },
  };
}

export const matmulTiledKernel: MatmulKernel = matmulKernel("matmul-tiled");
export const matmulFewRowsKernel: MatmulKernel = matmulKernel("matmul-few-rows");
export const matmulFewRowsSubgroupKernel: MatmulKernel = matmulKernel("matmul-few-rows-subgroup");
export const matmulSubgroupKernel: MatmulKernel = matmulKernel("matmul-subgroup");
export const matmulSubgroupMatrixKernel: MatmulKernel = matmulKernel("matmul-subgroup-matrix");
