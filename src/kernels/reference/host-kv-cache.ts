import type { KvCache } from "../backend.ts";
import { HostTensor } from "./host-tensor.ts";
import type { HostQkv } from "./qkv.ts";

/** Keys and values of every layer, `[slots, KV·D]` each. */
export class HostKvCache implements KvCache {
  readonly layers: number;
  readonly slots: number;
  readonly keyValueWidth: number;
  #keys: HostTensor[];
  #values: HostTensor[];

  constructor(layers: number, slots: number, keyValueWidth: number) {
    this.layers = layers;
    this.slots = slots;
    this.keyValueWidth = keyValueWidth;
    this.#keys = Array.from({ length: layers }, () => new HostTensor(slots, keyValueWidth));
    this.#values = Array.from({ length: layers }, () => new HostTensor(slots, keyValueWidth));
  }

  get byteLength(): number {
    return this.#keys.length * this.slots * this.keyValueWidth * 8;
  }

  /** Stores row t of k and v at `slots[t]` and returns the query with all keys and values of the layer. */
  append({ q, k, v }: HostQkv, layer: number, slots: Uint32Array): HostQkv {
    const keys = this.#keys[layer];
    const values = this.#values[layer];
    if (!keys || !values) throw new RangeError(`layer ${layer} of a cache for ${this.layers} layers`);
    for (const [t, slot] of slots.entries()) {
      keys.row(slot).set(k.row(t));
      values.row(slot).set(v.row(t));
    }
    return { q, k: keys, v: values };
  }

  dispose(): void {
    this.#keys = [];
    this.#values = [];
  }
}
