import { Qwen3Error } from "../errors.ts";
import type { GpuBuffer } from "./gpu-buffer.ts";
import type { GpuDevice } from "./gpu-device.ts";
import { BufferUsage, MAP_MODE_READ } from "./usage.ts";

/** Queries in one set, by the specification. */
const SET_SIZE = 4096;
const TIMESTAMP_BYTES = 8;

/** GPU time of passes, by timestamps at their boundaries. For one submission. */
export class PassTimer {
  readonly #device: GpuDevice;
  readonly #sets: GPUQuerySet[] = [];
  readonly #count: number;
  readonly #resolved: GpuBuffer;
  readonly #staging: GpuBuffer;

  /** @throws Qwen3Error `unsupported` where the adapter has no timestamps */
  constructor(device: GpuDevice, passes: number) {
    if (!device.features.has("timestamp-query")) {
      throw new Qwen3Error("unsupported", `'${device.adapter.name}' has no timestamps, so its kernels cannot be timed`);
    }
    this.#device = device;
    this.#count = 2 * passes;
    for (let first = 0; first < this.#count; first += SET_SIZE) {
      const count = Math.min(SET_SIZE, this.#count - first);
      this.#sets.push(device.raw.createQuerySet({ label: "pass times", type: "timestamp", count }));
    }
    const request = { label: "pass times", size: this.#count * TIMESTAMP_BYTES, pool: "activations" } as const;
    this.#resolved = device.createBuffer({ ...request, usage: BufferUsage.queryResolve | BufferUsage.copySrc });
    this.#staging = device.createBuffer({ ...request, usage: BufferUsage.mapRead | BufferUsage.copyDst });
  }

  /** For the descriptor of pass `index`. */
  timestampWrites(index: number): GPUComputePassTimestampWrites {
    const querySet = this.#sets[Math.floor((2 * index) / SET_SIZE)] as GPUQuerySet;
    const first = (2 * index) % SET_SIZE;
    return { querySet, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  /** Recorded after the last pass. */
  resolve(commands: GPUCommandEncoder): void {
    for (const [i, set] of this.#sets.entries()) {
      commands.resolveQuerySet(set, 0, set.count, this.#resolved.raw, i * SET_SIZE * TIMESTAMP_BYTES);
    }
    commands.copyBufferToBuffer(this.#resolved.raw, 0, this.#staging.raw, 0, this.#count * TIMESTAMP_BYTES);
  }

  /** Nanoseconds of every pass, once the work is done. Frees the queries. */
  async read(): Promise<number[]> {
    await this.#device.ask(() => this.#staging.raw.mapAsync(MAP_MODE_READ));
    const stamps = new BigUint64Array(this.#staging.raw.getMappedRange());
    const times = Array.from({ length: this.#count / 2 }, (_, i) => {
      return Number((stamps[2 * i + 1] as bigint) - (stamps[2 * i] as bigint));
    });
    this.#staging.raw.unmap();
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
    return times;
  }
}
