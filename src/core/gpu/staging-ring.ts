import type { GpuBuffer } from "./gpu-buffer.ts";
import type { GpuDevice } from "./gpu-device.ts";
import { BufferUsage, MAP_MODE_READ } from "./usage.ts";

/** Buffers that results are copied to and read from, used again and again; one per batch in flight. */
export class StagingRing {
  readonly #device: GpuDevice;
  readonly #free: GpuBuffer[] = [];

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** A buffer of at least `size` bytes that is not in use. */
  acquire(size: number): GpuBuffer {
    const fit = this.#free.findIndex((buffer) => buffer.size >= size);
    if (fit >= 0) return this.#free.splice(fit, 1)[0] as GpuBuffer;
    this.#free.pop()?.destroy(); // too small for this batch, so too small for the next of its kind
    return this.#device.createBuffer({
      label: "readback",
      size: Math.max(
        size,
        Math.min(2 ** Math.ceil(Math.log2(Math.max(size, 4096))), this.#device.limits.maxBufferSize),
      ),
      usage: BufferUsage.mapRead | BufferUsage.copyDst,
      pool: "activations",
    });
  }

  /** Takes back a buffer that nothing was copied to after all. */
  release(buffer: GpuBuffer): void {
    this.#free.push(buffer);
  }

  /** Waits for the work before it, hands the first `size` bytes to `use`, and takes the buffer back. */
  async read<T>(buffer: GpuBuffer, size: number, use: (bytes: ArrayBuffer) => T): Promise<T> {
    await this.#device.ask(() => buffer.raw.mapAsync(MAP_MODE_READ, 0, size));
    try {
      return use(buffer.raw.getMappedRange(0, size));
    } finally {
      buffer.raw.unmap();
      this.#free.push(buffer);
    }
  }
}
