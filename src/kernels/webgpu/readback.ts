import type { BufferSlice, GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { StagingRing } from "../../core/gpu/staging-ring.ts";
import { type GpuActivation, quadsOf } from "./gpu-activation.ts";

export interface PendingResults {
  read(): Promise<Float32Array[]>;
  discard(): void;
}

/** Brings results to the host. */
export class Readback {
  readonly #staging: StagingRing;

  constructor(device: GpuDevice) {
    this.#staging = new StagingRing(device);
  }

  /**
   * Copies results, one after the other, to a buffer that the host can map.
   *
   * @returns what reads them once the commands are submitted, or else gives the buffer back
   */
  copy(commands: GPUCommandEncoder, results: readonly GpuActivation[], slices: readonly BufferSlice[]): PendingResults {
    const size = slices.reduce((sum, slice) => sum + slice.size, 0);
    const buffer: GpuBuffer = this.#staging.acquire(size);
    let offset = 0;
    for (const slice of slices) {
      commands.copyBufferToBuffer(slice.buffer.raw, slice.offset, buffer.raw, offset, slice.size);
      offset += slice.size;
    }
    return {
      read: () => this.#staging.read(buffer, size, (bytes) => unpad(bytes, results)),
      discard: () => this.#staging.release(buffer),
    };
  }
}

/** Results as the caller wants them: their own memory, rows without padding. */
function unpad(bytes: ArrayBuffer, results: readonly GpuActivation[]): Float32Array[] {
  let offset = 0;
  return results.map(({ rows, width, byteLength }) => {
    const padded = new Float32Array(bytes, offset, byteLength / 4);
    offset += byteLength;
    const stride = quadsOf(width) * 4;
    if (stride === width) return padded.slice();
    const tight = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) tight.set(padded.subarray(row * stride, row * stride + width), row * width);
    return tight;
  });
}
