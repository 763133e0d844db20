import type { GpuLimits } from "../../core/gpu/limits.ts";
import type { Constants } from "./kernel.ts";
import { type MatmulKernel, matmulTiledKernel } from "./matmul-kernels.ts";

/** What decides which matrix product kernel is best. */
export interface MatmulShape {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** A kernel with its constants, and how much of the result one workgroup computes. */
export interface MatmulTile {
  readonly kernel: MatmulKernel;
  readonly constants: Constants;
  readonly tileRows: number;
  readonly tileColumns: number;
}

/** Chooses a kernel for each product. */
export class MatmulPlanner {
  readonly limits: GpuLimits;

  constructor(limits: GpuLimits) {
    this.limits = limits;
  }

  choose(_shape: MatmulShape): MatmulTile {
    return {
      kernel: matmulTiledKernel,
      constants: { threadColumns: 8, threadRows: 8, depth: 4, ROW_QUADS: 1 },
      tileRows: 32,
      tileColumns: 64,
    };
  }
}
