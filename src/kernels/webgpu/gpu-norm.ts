import type { GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import type { Norm } from "../backend.ts";
import { quadsOf, QUAD_BYTES } from "./gpu-activation.ts";

/** An RMSNorm's weight in GPU memory, padded with zeros to whole vec4s. */
export class GpuNorm implements Norm {
  readonly name: string;
  readonly width: number;
  readonly eps: number;
  readonly #weight: Float32Array;
  #buffer: GpuBuffer;

  constructor(device: GpuDevice, name: string, weight: Float32Array, eps: number) {
    this.name = name;
    this.width = weight.length;
    this.eps = eps;
    this.#weight = weight;
    this.#buffer = this.#upload(device);
  }

  get buffer(): GpuBuffer {
    return this.#buffer;
  }

  /** Once more, after a device was lost. */
  restore(device: GpuDevice): void {
    this.#buffer = this.#upload(device);
  }

  #upload(device: GpuDevice): GpuBuffer {
    const size = quadsOf(this.width) * QUAD_BYTES;
    const buffer = device.createBuffer({
      label: this.name,
      size,
      usage: BufferUsage.storage,
      pool: "weights",
      mapped: true,
    });
    new Float32Array(buffer.raw.getMappedRange()).fill(0).set(this.#weight);
    buffer.raw.unmap();
    return buffer;
  }
}
