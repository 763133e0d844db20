import type { SubgroupMatrix } from "../../src/core/gpu/subgroup-matrix.ts";
import type { MatmulTile } from "../../src/kernels/webgpu/matmul-tiles.ts";
import { subgroupMatrixTiles } from "../../src/kernels/webgpu/subgroup-matrix-tiles.ts";

/** Matrix units that adapters are known to have, whatever tests run on. */
export const SUBGROUP_MATRICES: readonly SubgroupMatrix[] = [
  { input: "f32", rows: 8, columns: 8, depth: 8, lanes: 32 }, // Apple 7 and later
  { input: "f16", rows: 16, columns: 16, depth: 16, lanes: 32 }, // NVIDIA
  { input: "f16", rows: 16, columns: 8, depth: 8, lanes: 32 }, // NVIDIA, the narrowest
  { input: "f16", rows: 16, columns: 16, depth: 16, lanes: 64 }, // RDNA 3
  { input: "f16", rows: 8, columns: 16, depth: 16, lanes: 32 }, // Intel
  { input: "f16", rows: 8, columns: 8, depth: 8, lanes: 8 }, // lavapipe
];

/** The tiles of a GPU with such a unit and 32 KiB of workgroup memory. */
export function tilesFor(subgroupMatrix: SubgroupMatrix): MatmulTile[] {
  const limits = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 32_768 };
  return subgroupMatrixTiles({ subgroupMatrix, adapter: { software: false }, limits });
}
