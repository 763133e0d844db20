import type { Backend, KvCache } from "../../kernels/backend.ts";
import type { Qwen3Config } from "../config.ts";

/** Slots that a sequence is given beyond what it needs now. */
const ROOM = 256;

export interface CachedTokens {
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

  /** Makes room for the sequences given, by their numbers, and forgets all others if it has to grow. */
  reserve(sequences: ReadonlyMap<number, CachedTokens>): KvCache {
    const fits = [...sequences].every(([n, { length }]) => length <= (this.#regions.get(n)?.capacity ?? 0));
    if (this.#store && fits) return this.#store;
    const regions = new Map<number, Region>();
    let slots = 0;
    for (const [n, { length, limit }] of sequences) {
      const grown = Math.max(length + ROOM, 2 * (this.#regions.get(n)?.capacity ?? 0));
      const capacity = Math.min(limit, grown);
      regions.set(n, { start: slots, capacity });
      slots += capacity;
    }
    const { numHiddenLayers, numKeyValueHeads, headDim } = this.#config;
    const store = this.#backend.createKvCache(numHiddenLayers, slots, numKeyValueHeads * headDim);
    this.#moveTo(store, regions);
    return store;
  }

  /** First slot of a sequence. */
  startOf(sequence: number): number {
    return this.#regions.get(sequence)?.start ?? 0;
  }

  [Symbol.dispose](): void {
    this.#store?.dispose();
    this.#store = undefined;
  }

  #moveTo(store: KvCache, regions: Map<number, Region>): void {
    const old = this.#store;
    if (old) {
      const ranges = [...regions].map(([n, { start: to }]) => {
        const { start: from, capacity: count } = this.#regions.get(n) ?? { start: 0, capacity: 0 };
        return { from, to, count };
      });
      store.copyFrom(old, ranges);
      old.dispose();
    }
    this.#store = store;
    this.#regions = regions;
  }
}
