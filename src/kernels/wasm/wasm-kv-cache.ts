import { setImmediate } from "node:timers/promises";
import { Qwen3Error } from "../../core/errors.ts";
import type { KvCache, KvCacheSize, KvCacheUse, SlotRange } from "../backend.ts";
import type { Bank } from "./bank.ts";
import type { Banks } from "./banks.ts";
import { own } from "./wasm-objects.ts";

/** float32 keys, then values, `[layers, slots, keyValueWidth]` each, in shared memory. */
export class WasmKvCache implements KvCache {
  readonly layers: number;
  readonly slots: number;
  readonly keyValueWidth: number;
  readonly use: KvCacheUse;
  readonly #address: number;
  readonly #bank: Bank;
  readonly #banks: Banks;
  readonly #onDispose: () => void;
  #disposed = false;

  constructor(
    { layers, slots, keyValueWidth, use }: KvCacheSize & { readonly use: KvCacheUse },
    banks: Banks,
    onDispose: () => void,
  ) {
    this.layers = layers;
    this.slots = slots;
    this.keyValueWidth = keyValueWidth;
    this.use = use;
    this.#banks = banks;
    this.#bank = banks.withRoom(this.byteLength);
    this.#onDispose = onDispose;
    this.#address = this.#bank.heap.allocate(this.byteLength, `a key/value cache of ${this.slots} tokens`);
  }

  get byteLength(): number {
    return 2 * this.layers * this.slots * this.#slotBytes;
  }

  get #slotBytes(): number {
    return this.keyValueWidth * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Addresses of one layer's keys and values, for kernels. */
  layerAt(layer: number): LayerPlaces {
    const { keys, values } = this.#placesOf(layer);
    return { keys: this.#bank.globalAddress(keys), values: this.#bank.globalAddress(values) };
  }

  #placesOf(layer: number): LayerPlaces {
    if (layer >= this.layers) throw new RangeError(`layer ${layer} of a cache for ${this.layers} layers`);
    const layerBytes = this.slots * this.#slotBytes;
    const keys = this.#address + layer * layerBytes;
    return { keys, values: keys + this.layers * layerBytes };
  }

  copyFrom(source: KvCache, ranges: readonly SlotRange[]): void {
    const from = own(WasmKvCache, source, "cache");
    this.#checkCopy(from, ranges);
    this.#banks.inTurn(async () => {
      for (let layer = 0; layer < this.layers; layer++) {
        const [theirs, ours] = [from.#placesOf(layer), this.#placesOf(layer)];
        for (const { from: first, to, count } of ranges) {
          this.#slots(ours.keys, to, count).set(from.#slots(theirs.keys, first, count));
          this.#slots(ours.values, to, count).set(from.#slots(theirs.values, first, count));
        }
        await setImmediate(); // a long text's layers take longer together than an event loop should wait
      }
    });
  }

  #checkCopy(from: WasmKvCache, ranges: readonly SlotRange[]): void {
    if (from.layers !== this.layers || from.keyValueWidth !== this.keyValueWidth) {
      const [theirs, ours] = [from, this].map(
        ({ layers, keyValueWidth }) => `${layers} layers of ${keyValueWidth} wide keys`,
      );
      throw new Qwen3Error("invalid-argument", `a cache of ${ours} cannot take the slots of one of ${theirs}`);
    }
    const wrong = ranges.find(({ from: first, to, count }) => first + count > from.slots || to + count > this.slots);
    if (!wrong) return;
    const message = `${wrong.count} slots from ${wrong.from} to ${wrong.to} leave a cache of ${from.slots} or of ${this.slots} slots`;
    throw new Qwen3Error("invalid-argument", message);
  }

  /** Frees its memory once the programs recorded so far have run. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#onDispose();
    this.#banks.inTurn(() => this.#bank.heap.free(this.#address));
  }

  #slots(address: number, start: number, count: number): Uint8Array {
    return this.#bank.heap.bytesAt(address + start * this.#slotBytes, count * this.#slotBytes);
  }
}

interface LayerPlaces {
  readonly keys: number;
  readonly values: number;
}
