import { type BufferSlice, type GpuBuffer, wholeBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import type { RotaryTable } from "../backend.ts";

/** The rotary table in GPU memory, for as long as the same one is passed. */
export class RotaryCopy {
  readonly #device: GpuDevice;
  #table: RotaryTable | undefined;
  #slice: BufferSlice | undefined;
  #replaced: GpuBuffer[] = [];

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** Position by position, D/2 cosines and then D/2 sines. */
  slice(table: RotaryTable): BufferSlice {
    if (this.#slice && this.#table === table) return this.#slice;
    if (this.#slice) this.#replaced.push(this.#slice.buffer);
    const rows = interleave(table);
    const buffer = this.#device.createBuffer({
      label: "rotary",
      size: rows.byteLength,
      usage: BufferUsage.storage | BufferUsage.copyDst,
      pool: "activations",
    });
    this.#device.raw.queue.writeBuffer(buffer.raw, 0, rows);
    this.#table = table;
    this.#slice = wholeBuffer(buffer);
    return this.#slice;
  }

  /** Frees copies that later tables replaced. A program may use several, so only once it is submitted. */
  freeReplaced(): void {
    for (const buffer of this.#replaced) buffer.destroy();
    this.#replaced = [];
  }
}

function interleave({ positions, halfDim, cos, sin }: RotaryTable): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(2 * positions * halfDim);
  for (let position = 0; position < positions; position++) {
    const from = position * halfDim;
    rows.set(cos.subarray(from, from + halfDim), 2 * from);
    rows.set(sin.subarray(from, from + halfDim), 2 * from + halfDim);
  }
  return rows;
}
