import type { KvCache, SlotRange } from "../backend.ts";
import type { Executor } from "./executor.ts";
import type { Heap } from "./heap.ts";
import { own } from "./wasm-objects.ts";

/** float32 keys, then values, `[layers, slots, keyValueWidth]` each, in shared memory. */
export class WasmKvCache implements KvCache {
  readonly layers: number;
  readonly slots: number;
  readonly keyValueWidth: number;
  readonly #address: number;
  readonly #heap: Heap;
  readonly #executor: Executor;
  readonly #onDispose: () => void;
  #disposed = false;

  constructor(
    sizes: Pick<KvCache, "layers" | "slots" | "keyValueWidth">,
    heap: Heap,
    executor: Executor,
    onDispose: () => void,
  ) {
    this.layers = sizes.layers;
    this.slots = sizes.slots;
    this.keyValueWidth = sizes.keyValueWidth;
    this.#heap = heap;
    this.#executor = executor;
    this.#onDispose = onDispose;
    this.#address = heap.allocate(this.byteLength, `a key/value cache of ${this.slots} tokens`);
  }

  get byteLength(): number {
    return 2 * this.layers * this.slots * this.#slotBytes;
  }

  get #slotBytes(): number {
    return this.keyValueWidth * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Addresses of one layer's keys and values. */
  layerAt(layer: number): { readonly keys: number; readonly values: number } {
    if (layer >= this.layers) throw new RangeError(`layer ${layer} of a cache for ${this.layers} layers`);
    const layerBytes = this.slots * this.#slotBytes;
    const keys = this.#address + layer * layerBytes;
    return { keys, values: keys + this.layers * layerBytes };
  }

  copyFrom(source: KvCache, ranges: readonly SlotRange[]): void {
    const from = own(WasmKvCache, source, "cache");
    this.#executor.inTurn(() => {
      for (let layer = 0; layer < this.layers; layer++) {
        const [theirs, ours] = [from.layerAt(layer), this.layerAt(layer)];
        for (const range of ranges) {
          this.#copy(theirs.keys, ours.keys, range);
          this.#copy(theirs.values, ours.values, range);
        }
      }
    });
  }

  /** Frees its memory once the programs recorded so far have run. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#onDispose();
    this.#executor.inTurn(() => this.#heap.free(this.#address));
  }

  #copy(source: number, target: number, { from, to, count }: SlotRange): void {
    const bytes = this.#heap.bytesAt(source + from * this.#slotBytes, count * this.#slotBytes);
    this.#heap.bytesAt(target + to * this.#slotBytes, bytes.length).set(bytes);
  }
}
