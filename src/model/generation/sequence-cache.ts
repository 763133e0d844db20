import type { Backend, KvCache } from "../../kernels/backend.ts";
import type { Qwen3Config } from "../config.ts";

/** Slots that a sequence is given beyond what it needs now. */
const ROOM = 256;

/** A sequence as the cache sees it. */
export interface CacheUser {
  /** Tells it apart from others. */
  readonly index: number;
  /** Tokens whose keys and values it must hold. */
  readonly length: number;
  /** The most it can ever need. */
  readonly limit: number;
}

interface Region {
  readonly start: number;
  readonly capacity: number;
}

/**
 * The keys and values of several sequences in one buffer, float32, each sequence in a region of its own. When one needs
 * more than its region, a larger buffer takes over: regions at least double, so a token is copied about once.
 */
export class SequenceCache implements Disposable {
  readonly #backend: Backend;
  readonly #config: Qwen3Config;
  #store: KvCache | undefined;
  #regions = new Map<number, Region>();

  constructor(backend: Backend, config: Qwen3Config) {
    this.#backend = backend;
    this.#config = config;
  }

  /** Makes room for the sequences given, and forgets all others if it has to grow. */
  reserve(sequences: readonly CacheUser[]): KvCache {
    if (this.#store && sequences.every(({ index, length }) => length <= this.#capacityOf(index))) return this.#store;
    const regions = new Map<number, Region>();
    let slots = 0;
    for (const { index, length, limit } of sequences) {
      const capacity = Math.min(limit, Math.max(length + ROOM, 2 * this.#capacityOf(index)));
      regions.set(index, { start: slots, capacity });
      slots += capacity;
    }
    const { numHiddenLayers, numKeyValueHeads, headDim } = this.#config;
    const size = { layers: numHiddenLayers, slots, keyValueWidth: numKeyValueHeads * headDim };
    const store = this.#backend.createKvCache(size, "growth");
    this.#moveTo(store, regions);
    return store;
  }

  /** First slot of a sequence. */
  startOf(index: number): number {
    return this.#regions.get(index)?.start ?? 0;
  }

  #capacityOf(index: number): number {
    return this.#regions.get(index)?.capacity ?? 0;
  }

  [Symbol.dispose](): void {
    this.#store?.dispose();
    this.#store = undefined;
  }

  #moveTo(store: KvCache, regions: Map<number, Region>): void {
    const old = this.#store;
    if (old) {
      const ranges = [...regions].map(([index, { start: to }]) => {
        return { from: this.startOf(index), to, count: this.#capacityOf(index) };
      });
      store.copyFrom(old, ranges);
      old.dispose();
    }
    this.#store = store;
    this.#regions = regions;
  }
}
