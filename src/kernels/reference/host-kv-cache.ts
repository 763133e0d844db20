import type { KvCache, KvCacheSize, SlotRange } from "../backend.ts";
import { foreign } from "./foreign.ts";
import { HostTensor } from "./host-tensor.ts";
import type { HostQkv } from "./qkv.ts";

/** Keys and values of one layer, `[slots, KV·D]` each. */
interface CachedLayer {
  readonly keys: HostTensor;
  readonly values: HostTensor;
}

/** Keys and values of every layer in JavaScript memory, float32. */
export class HostKvCache implements KvCache {
  readonly layers: number;
  readonly slots: number;
  readonly keyValueWidth: number;
  #layers: readonly CachedLayer[];

  constructor({ layers, slots, keyValueWidth }: KvCacheSize) {
    this.layers = layers;
    this.slots = slots;
    this.keyValueWidth = keyValueWidth;
    this.#layers = Array.from({ length: layers }, () => ({
      keys: new HostTensor(slots, keyValueWidth),
      values: new HostTensor(slots, keyValueWidth),
    }));
  }

  get byteLength(): number {
    return 2 * this.#layers.length * this.slots * this.keyValueWidth * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Stores row t of k and v at `slots[t]` and returns the query with all keys and values of the layer. */
  append({ q, k, v }: HostQkv, layer: number, slots: Uint32Array): HostQkv {
    const cached = this.#layers[layer];
    if (!cached) throw new RangeError(`layer ${layer} of a cache for ${this.layers} layers`);
    for (const [t, slot] of slots.entries()) {
      cached.keys.row(slot).set(k.row(t));
      cached.values.row(slot).set(v.row(t));
    }
    return { q, k: cached.keys, v: cached.values };
  }

  copyFrom(source: KvCache, ranges: readonly SlotRange[]): void {
    for (const [n, layer] of hostKvCache(source).#layers.entries()) {
      for (const range of ranges) {
        copyRows(layer.keys, this.#layers[n]?.keys, range);
        copyRows(layer.values, this.#layers[n]?.values, range);
      }
    }
  }

  dispose(): void {
    this.#layers = [];
  }
}

/** A cache as the reference knows it. */
export function hostKvCache(cache: KvCache): HostKvCache {
  if (cache instanceof HostKvCache) return cache;
  throw foreign("cache");
}

function copyRows(source: HostTensor, target: HostTensor | undefined, { from, to, count }: SlotRange): void {
  const { width } = source;
  target?.data.set(source.data.subarray(from * width, (from + count) * width), to * width);
}
