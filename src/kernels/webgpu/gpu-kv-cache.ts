import type { GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import { Qwen3Error } from "../../core/errors.ts";
import type { KvCache, KvCacheSize, SlotRange } from "../backend.ts";
import { type GpuTensor, QUAD_BYTES, quadsOf } from "./gpu-activation.ts";

/** Does something on the GPU's queue after all batches asked for so far. */
export type Enqueue = (work: () => void) => void;

/** Keys and values of earlier tokens in GPU memory: two buffers a layer. They are lost with their device. */
export class GpuKvCache implements KvCache {
  readonly layers: number;
  readonly slots: number;
  readonly keyValueWidth: number;
  readonly #device: GpuDevice;
  readonly #enqueue: Enqueue;
  readonly #buffers: readonly GpuBuffer[];

  constructor(device: GpuDevice, { layers, slots, keyValueWidth }: KvCacheSize, enqueue: Enqueue) {
    this.layers = layers;
    this.slots = slots;
    this.keyValueWidth = keyValueWidth;
    this.#device = device;
    this.#enqueue = enqueue;
    this.#buffers = Array.from({ length: 2 * layers }, (_, i) =>
      device.createBuffer({
        label: `${i % 2 === 0 ? "keys" : "values"} of layer ${i >> 1}`,
        size: slots * quadsOf(keyValueWidth) * QUAD_BYTES,
        usage: BufferUsage.storage | BufferUsage.copySrc | BufferUsage.copyDst,
        pool: "cache",
      }),
    );
  }

  /** @throws Qwen3Error `device` if the cache was made on a device that is lost */
  tensors(device: GpuDevice, layer: number): { keys: GpuTensor; values: GpuTensor } {
    if (device !== this.#device) {
      throw new Qwen3Error(
        "device",
        "the key/value cache was lost with its device; start the text again with a new one",
      );
    }
    return { keys: this.#tensor(2 * layer), values: this.#tensor(2 * layer + 1) };
  }

  #tensor(index: number): GpuTensor {
    const buffer = this.#buffers[index];
    if (!buffer) throw new RangeError(`layer ${index >> 1} of a cache for ${this.layers} layers`);
    const { slots: rows, keyValueWidth: width } = this;
    const quads = quadsOf(width);
    return { rows, width, quads, slice: { buffer, offset: 0, size: rows * quads * QUAD_BYTES } };
  }

  copyFrom(source: KvCache, ranges: readonly SlotRange[]): void {
    if (!(source instanceof GpuKvCache) || source.#device !== this.#device) {
      throw new Qwen3Error("invalid-argument", "this cache belongs to another device; use one of the same backend");
    }
    this.#enqueue(() => {
      const { queue } = this.#device.raw;
      const commands = this.#device.raw.createCommandEncoder({ label: "copy cache" });
      const rowBytes = quadsOf(this.keyValueWidth) * QUAD_BYTES;
      for (const [i, { raw }] of source.#buffers.entries()) {
        const target = this.#buffers[i];
        for (const { from, to, count } of ranges) {
          if (target) commands.copyBufferToBuffer(raw, from * rowBytes, target.raw, to * rowBytes, count * rowBytes);
        }
      }
      queue.submit([commands.finish()]);
    });
  }

  /** After what was asked for before: a cache that grew is disposed while its copy may still wait. */
  dispose(): void {
    this.#enqueue(() => {
      for (const buffer of this.#buffers) buffer.destroy();
    });
  }
}
