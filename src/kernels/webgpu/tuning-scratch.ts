import { type GpuBuffer, wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import { type GpuTensor, QUAD_BYTES, quadsOf } from "./gpu-activation.ts";

/** Of each buffer. */
const SCRATCH_BYTES = 2 ** 26;

/** Memory for inputs and results, made when it is first needed. */
export class TuningScratch {
  readonly #device: GpuDevice;
  readonly #buffers = new Map<string, GpuBuffer>();
  readonly #bytes: number;

  constructor(device: GpuDevice) {
    this.#device = device;
    this.#bytes = Math.min(SCRATCH_BYTES, device.limits.maxBufferSize);
  }

  /** Whether every tensor of these widths fits. */
  fits(rows: number, ...widths: readonly number[]): boolean {
    return rows * rowBytes(Math.max(...widths)) <= this.#bytes;
  }

  tensor(name: string, rows: number, width: number): GpuTensor {
    const quads = quadsOf(width);
    return { rows, width, quads, slice: { ...wholeBuffer(this.#buffer(name)), size: rows * rowBytes(width) } };
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }

  #buffer(name: string): GpuBuffer {
    let buffer = this.#buffers.get(name);
    if (!buffer) {
      const usage = BufferUsage.storage | BufferUsage.copyDst;
      const label = `tuning ${name}`;
      buffer = this.#device.createBuffer({ label, size: this.#bytes, usage, pool: "activations" });
      this.#fill(buffer);
      this.#buffers.set(name, buffer);
    }
    return buffer;
  }

  /** Values as activations have them: processors are slow at denormals, and at zeros cooler than they will be. */
  #fill(buffer: GpuBuffer): void {
    const block = Float32Array.from({ length: 2 ** 16 }, (_, i) => Math.sin(i * i));
    for (let at = 0; at < buffer.size; at += block.byteLength) {
      const count = Math.min(block.length, (buffer.size - at) / 4);
      this.#device.raw.queue.writeBuffer(buffer.raw, at, block, 0, count);
    }
  }
}

function rowBytes(width: number): number {
  return quadsOf(width) * QUAD_BYTES;
}
