import type { BufferSlice } from "../../core/gpu/gpu-buffer.ts";
import type { GpuLimits } from "../../core/gpu/limits.ts";
import type { RotaryTable } from "../backend.ts";
import type { GpuActivation, GpuTensor } from "./gpu-activation.ts";
import type { GpuKvCache } from "./gpu-kv-cache.ts";
import type { Kernel } from "./kernel.ts";
import type { MatmulChooser } from "./matmul-planner.ts";

/** What a launcher may ask while a recording is turned into dispatches. */
export interface LaunchContext {
  readonly limits: GpuLimits;
  /** Lanes of the adapter's subgroups, where kernels for small subgroups are best. */
  readonly lanes: number | undefined;
  readonly matmuls: MatmulChooser;
  /** Whether a kernel may be used: not if it was seen to compute wrong results on this device and there is another. */
  trusts(kernel: Kernel): boolean;
  /** Where an activation lives. */
  tensor(activation: GpuActivation): GpuTensor;
  /** A host array in GPU memory until the recording ends. The same array is uploaded once. */
  upload(array: Uint8Array | Uint32Array): BufferSlice;
  /** cos and sin in GPU memory: D/2 of each, position by position. */
  rotary(table: RotaryTable): BufferSlice;
  /** Where a layer's keys and values live. */
  cache(store: GpuKvCache, layer: number): { keys: GpuTensor; values: GpuTensor };
  /** What `make` returned for this key and name earlier in the recording, else what it returns now. */
  memo<T extends object>(key: object, name: string, make: () => T): T;
}
