/** What memory is held for. */
export type MemoryPool = "weights" | "activations" | "cache";

export interface GpuBufferParts {
  /** Unique on its device; cached bind groups are found by it. */
  readonly id: number;
  readonly raw: GPUBuffer;
  readonly size: number;
  readonly pool: MemoryPool;
  /** The device's account, which this buffer is added to. */
  readonly allocated: Record<MemoryPool, number>;
}

/** A buffer whose bytes are counted for as long as it lives. */
export class GpuBuffer {
  readonly id: number;
  readonly raw: GPUBuffer;
  readonly size: number;
  readonly #pool: MemoryPool;
  readonly #allocated: Record<MemoryPool, number>;
  #live = true;

  constructor({ id, raw, size, pool, allocated }: GpuBufferParts) {
    this.id = id;
    this.raw = raw;
    this.size = size;
    this.#pool = pool;
    this.#allocated = allocated;
    allocated[pool] += size;
  }

  /** Safe while submitted work still uses it: WebGPU frees the memory after that. */
  destroy(): void {
    if (!this.#live) return;
    this.#live = false;
    this.#allocated[this.#pool] -= this.size;
    this.raw.destroy();
  }
}

/** Part of a buffer, as a kernel sees it. */
export interface BufferSlice {
  readonly buffer: GpuBuffer;
  readonly offset: number;
  readonly size: number;
}

export function wholeBuffer(buffer: GpuBuffer): BufferSlice {
  return { buffer, offset: 0, size: buffer.size };
}
