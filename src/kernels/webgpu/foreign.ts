import { Qwen3Error } from "../../core/errors.ts";
import type { KvCache, Matrix, Norm } from "../backend.ts";
import { HostTable } from "../host-table.ts";
import { GpuKvCache } from "./gpu-kv-cache.ts";
import { GpuMatrix } from "./gpu-matrix.ts";
import { GpuNorm } from "./gpu-norm.ts";

/** For what another backend or recording made. */
export function foreign(what: string, owner = "backend"): Qwen3Error {
  return new Qwen3Error("invalid-argument", `this ${what} belongs to another ${owner}; use the one that made it`);
}

export function gpuMatrix(matrix: Matrix): GpuMatrix {
  if (matrix instanceof GpuMatrix) return matrix;
  if (matrix instanceof HostTable) {
    throw new Qwen3Error("invalid-argument", `matrix '${matrix.name}' was loaded as a table; load it for products too`);
  }
  throw foreign(`matrix '${matrix.name}'`);
}

export function gpuNorm(norm: Norm): GpuNorm {
  if (norm instanceof GpuNorm) return norm;
  throw foreign(`norm '${norm.name}'`);
}

export function gpuCache(cache: KvCache): GpuKvCache {
  if (cache instanceof GpuKvCache) return cache;
  throw foreign("cache");
}
