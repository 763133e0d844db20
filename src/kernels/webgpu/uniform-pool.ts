import type { BufferSlice, GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";

/** Offsets of uniform structs on every adapter, and the most bytes of one. */
const UNIFORM_ALIGNMENT = 256;
/** Structs kept, 256 KiB of them: more than a model's batches of a dozen shapes need. */
const STRUCTS = 1024;

/** Uniform structs in one buffer, equal ones once, kept from batch to batch. */
export class UniformPool {
  readonly #device: GpuDevice;
  readonly #offsets = new Map<string, number>();
  #buffer: GpuBuffer;
  /** What is not yet in the buffer, which ends at the last offset. */
  #unwritten: (readonly number[])[] = [];

  constructor(device: GpuDevice) {
    this.#device = device;
    this.#buffer = this.#create(STRUCTS);
  }

  /** Makes room for so many structs. @returns false if that took giving up all slices so far */
  reserve(count: number): boolean {
    const capacity = this.#buffer.size / UNIFORM_ALIGNMENT;
    if (this.#offsets.size + count <= capacity) return true;
    this.#offsets.clear();
    this.#unwritten = [];
    if (count > capacity) {
      this.#buffer.destroy();
      this.#buffer = this.#create(count + STRUCTS);
    }
    return false;
  }

  /** Where a struct of these words is, once `write` is called. */
  slice(params: readonly number[]): BufferSlice {
    const key = params.join();
    let offset = this.#offsets.get(key);
    if (offset === undefined) {
      offset = this.#offsets.size * UNIFORM_ALIGNMENT;
      this.#offsets.set(key, offset);
      this.#unwritten.push(params);
    }
    return { buffer: this.#buffer, offset, size: UNIFORM_ALIGNMENT };
  }

  /** Before the commands that read it are submitted; those submitted earlier have what they had. */
  write(): void {
    if (this.#unwritten.length === 0) return;
    const stride = UNIFORM_ALIGNMENT / 4;
    const words = new Uint32Array(this.#unwritten.length * stride);
    for (const [i, params] of this.#unwritten.entries()) words.set(params, i * stride);
    const start = this.#offsets.size * UNIFORM_ALIGNMENT - words.byteLength;
    this.#device.raw.queue.writeBuffer(this.#buffer.raw, start, words);
    this.#unwritten = [];
  }

  #create(structs: number): GpuBuffer {
    return this.#device.createBuffer({
      label: "uniforms",
      size: structs * UNIFORM_ALIGNMENT,
      usage: BufferUsage.uniform | BufferUsage.copyDst,
      pool: "activations",
    });
  }
}
