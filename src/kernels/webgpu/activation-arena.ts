import type { GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";

/**
 * The buffers that activations share, kept from batch to batch. Batches may be in flight together: the queue runs them one
 * after the other, so they can use the same memory.
 */
export class ActivationArena {
  readonly #device: GpuDevice;
  /** Largest first. */
  #buffers: GpuBuffer[] = [];

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** A buffer for every slot, at least as large. */
  place(slotSizes: readonly number[]): GpuBuffer[] {
    const order = slotSizes.map((_, slot) => slot).sort((a, b) => (slotSizes[b] ?? 0) - (slotSizes[a] ?? 0));
    const placed: GpuBuffer[] = [];
    for (const [i, slot] of order.entries()) {
      const size = slotSizes[slot] ?? 0;
      const existing = this.#buffers[i];
      const fits = existing !== undefined && existing.size >= size;
      if (!fits) existing?.destroy();
      const buffer = fits ? existing : this.#grow(i, size);
      this.#buffers[i] = buffer;
      placed[slot] = buffer;
    }
    return placed;
  }

  #grow(index: number, size: number): GpuBuffer {
    return this.#device.createBuffer({
      label: `activations ${index}`,
      size: roundUp(size, this.#device.limits.maxBufferSize),
      usage: BufferUsage.storage | BufferUsage.copySrc | BufferUsage.copyDst,
      pool: "activations",
    });
  }
}

/**
 * At most an eighth more, so that batches of about the same size find a buffer that fits; never nothing, which cannot be bound, nor
 * more than `most` if that is enough.
 */
export function roundUp(size: number, most: number = Infinity): number {
  const least = Math.max(size, 1);
  const step = 2 ** Math.max(8, Math.floor(Math.log2(least)) - 3);
  return Math.max(least, Math.min(Math.ceil(least / step) * step, most));
}
