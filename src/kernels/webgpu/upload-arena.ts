import type { BufferSlice, GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import { roundUp } from "./activation-arena.ts";

/** Least memory taken at a time. */
const LEAST_BYTES = 2 ** 18;

/**
 * Memory for what the host hands to the kernels of one recording: token rows, positions, tiles. Reset when the next
 * recording begins; writes wait in the queue behind the work that still reads.
 */
export class UploadArena {
  readonly #device: GpuDevice;
  #buffers: GpuBuffer[] = [];
  #current = 0;
  #used = 0;
  readonly #slices = new Map<object, BufferSlice>();

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** Forgets the last recording's uploads; keeps one buffer that would have held them all. */
  reset(): void {
    if (this.#buffers.length > 1) {
      const total = this.#buffers.reduce((sum, { size }) => sum + size, 0);
      for (const buffer of this.#buffers) buffer.destroy();
      this.#buffers = [this.#create(Math.min(total, this.#device.limits.maxBufferSize))];
    }
    this.#current = 0;
    this.#used = 0;
    this.#slices.clear();
  }

  /** The same array is written once. */
  upload(array: Uint8Array | Uint32Array | Float32Array): BufferSlice {
    let slice = this.#slices.get(array);
    if (!slice) {
      slice = this.#take(array.byteLength);
      this.#device.raw.queue.writeBuffer(
        slice.buffer.raw,
        slice.offset,
        array.buffer,
        array.byteOffset,
        array.byteLength,
      );
      this.#slices.set(array, slice);
    }
    return slice;
  }

  #take(bytes: number): BufferSlice {
    const size = Math.max(4, bytes);
    const { minStorageBufferOffsetAlignment: alignment } = this.#device.limits;
    let buffer = this.#buffers[this.#current];
    if (buffer && this.#used + size > buffer.size) {
      this.#current += 1;
      this.#used = 0;
      buffer = this.#buffers[this.#current];
    }
    if (!buffer || buffer.size < size) {
      buffer?.destroy();
      buffer = this.#create(Math.max(LEAST_BYTES, size));
      this.#buffers[this.#current] = buffer;
    }
    const offset = this.#used;
    this.#used = Math.ceil((offset + size) / alignment) * alignment;
    return { buffer, offset, size };
  }

  #create(size: number): GpuBuffer {
    return this.#device.createBuffer({
      label: "uploads",
      size: roundUp(size, this.#device.limits.maxBufferSize),
      usage: BufferUsage.storage | BufferUsage.copyDst,
      pool: "activations",
    });
  }
}
