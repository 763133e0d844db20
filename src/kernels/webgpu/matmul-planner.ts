import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import type { Constants } from "./kernel.ts";
import { type MatmulKernel, matmulSubgroupKernel, matmulTiledKernel } from "./matmul-kernels.ts";

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
  readonly #lanes: number | undefined;

  constructor(device: GpuDevice) {
    this.#lanes = smallSubgroup(device);
  }

  choose({ rows }: MatmulShape): MatmulTile {
    if (this.#lanes !== undefined) return subgroupTile(this.#lanes, rows);
    return {
      kernel: matmulTiledKernel,
      constants: { threadColumns: 8, threadRows: 8, depth: 4, ROW_QUADS: 1 },
      tileRows: 32,
      tileColumns: 64,
    };
  }
}

/**
 * Lanes of a software adapter's subgroups. Its threads are the lanes of a CPU's vectors and it loads lane by lane, so
 * kernels that load little and shuffle much are best.
 */
export function smallSubgroup({ adapter, subgroupSize }: GpuDevice): number | undefined {
  return adapter.software && subgroupSize !== undefined && subgroupSize <= 8 ? subgroupSize : undefined;
}

/** Sixteen rows a workgroup are fastest; eight compile in half the time, which decides for a query. */
function subgroupTile(lanes: number, rows: number): MatmulTile {
  const rowGroups = rows <= 64 ? 1 : 2;
  return {
    kernel: matmulSubgroupKernel,
    constants: { LANES: lanes, ROW_GROUPS: rowGroups },
    tileRows: lanes * rowGroups,
    tileColumns: lanes * 4,
  };
}
