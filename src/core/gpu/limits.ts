import { Qwen3Error } from "../errors.ts";

/** The limits our plans depend on, in bytes where they are sizes. */
export interface GpuLimits {
  /** Largest part of a buffer that a kernel may see. */
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  /** Offsets of bindings are multiples of it. */
  readonly minStorageBufferOffsetAlignment: number;
}

/** What the smallest of our kernels needs: WebGPU's guaranteed minimums. */
const NEEDED = { maxComputeWorkgroupStorageSize: 16_384, maxComputeInvocationsPerWorkgroup: 256 } as const;

const REQUESTED = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Everything the adapter offers of what we can use; devices get the small defaults unless asked. */
export function requiredLimits(adapter: GPUAdapter): Record<string, number> {
  return Object.fromEntries(REQUESTED.map((name) => [name, adapter.limits[name]]));
}

/** @param lowered smaller limits to plan with, so that tests can make everything split */
export function usableLimits(device: GPUSupportedLimits, lowered: Partial<GpuLimits> = {}): GpuLimits {
  const least = (name: keyof GpuLimits): number => Math.min(device[name], lowered[name] ?? Infinity);
  return {
    maxStorageBufferBindingSize: least("maxStorageBufferBindingSize"),
    maxBufferSize: least("maxBufferSize"),
    maxComputeWorkgroupStorageSize: least("maxComputeWorkgroupStorageSize"),
    maxComputeInvocationsPerWorkgroup: least("maxComputeInvocationsPerWorkgroup"),
    maxComputeWorkgroupsPerDimension: least("maxComputeWorkgroupsPerDimension"),
    minStorageBufferOffsetAlignment: device.minStorageBufferOffsetAlignment,
  };
}

/** @throws Qwen3Error `device` if the adapter is too small for the smallest kernels */
export function checkLimits(adapter: GPUAdapter, name: string): void {
  for (const [limit, needed] of Object.entries(NEEDED)) {
    const offered = adapter.limits[limit as keyof typeof NEEDED];
    if (offered < needed) {
      throw new Qwen3Error(
        "device",
        `the adapter '${name}' offers ${limit} ${offered}, the kernels need ${needed}; choose another adapter or the device 'wasm'`,
      );
    }
  }
}
