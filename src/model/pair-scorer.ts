import { Qwen3Error } from "../core/errors.ts";
import type { Activation, KvCache, Recording } from "../kernels/backend.ts";
import { type CachedBatch, type CachedSequence, packCachedBatch } from "./cached-batch.ts";
import type { Judge } from "./judge.ts";
import { planBatches } from "./packed-batch.ts";
import type { ModelParts } from "./qwen3-model.ts";
import type { PrefixGroup } from "./shared-prefix.ts";

export interface ScoreOptions {
  /** Most tokens computed at once, not counting prefixes. */
  readonly maxBatchTokens: number;
  readonly signal?: AbortSignal | undefined;
}

/** The answer to the sequence at `index`: the logit of yes minus that of no. */
export interface PairScore {
  readonly index: number;
  readonly logit: number;
}

/** What a sequence has behind its prefix. */
interface Rest extends Omit<CachedSequence, "start" | "cached"> {
  readonly index: number;
}

/** Judges token sequences. */
export class PairScorer {
  readonly #parts: ModelParts;
  readonly #judge: Judge;

  constructor(parts: ModelParts, judge: Judge) {
    this.#parts = parts;
    this.#judge = judge;
  }

  /**
   * Scores every member of the groups, a batch at a time. Prefixes come first, and their keys and values stay in a cache
   * for all members; if the prefixes alone exceed a batch, groups are done in several rounds.
   */
  async *score(
    sequences: readonly Uint32Array[],
    groups: readonly PrefixGroup[],
    options: ScoreOptions,
  ): AsyncGenerator<PairScore[]> {
    const lengths = groups.map(({ prefix }) => prefix.length);
    for (const round of planBatches(lengths, options.maxBatchTokens)) {
      const members = round.flatMap((i) => groups[i] ?? []);
      yield* this.#scoreRound(sequences, members, options);
    }
  }

  async *#scoreRound(
    sequences: readonly Uint32Array[],
    groups: readonly PrefixGroup[],
    { maxBatchTokens, signal }: ScoreOptions,
  ): AsyncGenerator<PairScore[]> {
    const { backend, config } = this.#parts;
    const { prefixes, rests, prefixTokens } = splitOff(groups, sequences);
    const lengths = rests.map(({ tokenIds }) => tokenIds.length);
    const batches = planBatches(lengths, maxBatchTokens).map((batch) =>
      place(
        batch.flatMap((i) => rests[i] ?? []),
        prefixTokens,
      ),
    );
    const slots = prefixTokens + Math.max(...batches.map(tokensOf));
    const { numHiddenLayers, numKeyValueHeads, headDim } = config;
    const size = { layers: numHiddenLayers, slots, keyValueWidth: numKeyValueHeads * headDim };
    const create = (): KvCache | undefined => (prefixTokens > 0 ? backend.createKvCache(size, "prefix") : undefined);
    let cache = create();
    const compute = async (batch: readonly CachedSequence[], isFirst: boolean): Promise<Float32Array> => {
      const ops = backend.record();
      if (cache && isFirst) this.#run(ops, packCachedBatch(prefixes), cache);
      const last = this.#run(ops, packCachedBatch(batch), cache);
      const [logits = new Float32Array()] = await ops.read(ops.linear(last, this.#judge.head));
      return logits;
    };
    try {
      for (const [b, batch] of batches.entries()) {
        signal?.throwIfAborted();
        const logits = await compute(batch, b === 0).catch((error: unknown) => {
          if (!cache || !(error instanceof Qwen3Error) || error.code !== "device") throw error;
          cache.dispose();
          cache = create(); // the prefixes went with a lost device
          return compute(batch, true);
        });
        yield batch.map(({ index }, n) => ({ index, logit: this.#judge.logit(logits, n) }));
      }
    } finally {
      cache?.dispose();
    }
  }

  #run(ops: Recording, batch: CachedBatch, store: KvCache | undefined): Activation {
    const cache = store && { store, slots: batch.slots };
    return this.#parts.decoder.run(ops, batch, { rows: "last", ...(cache && { cache }) });
  }
}

/** Puts the prefixes into the first slots and takes them off the sequences. */
function splitOff(
  groups: readonly PrefixGroup[],
  sequences: readonly Uint32Array[],
): { prefixes: CachedSequence[]; rests: Rest[]; prefixTokens: number } {
  const prefixes: CachedSequence[] = [];
  const rests: Rest[] = [];
  let start = 0;
  for (const { prefix: tokenIds, members } of groups) {
    const { length } = tokenIds;
    const prefix = length > 0 ? { start, length } : undefined;
    if (prefix) prefixes.push({ tokenIds, start, cached: 0 });
    for (const index of members) {
      rests.push({ index, tokenIds: (sequences[index] ?? new Uint32Array()).subarray(length), prefix });
    }
    start += length;
  }
  return { prefixes, rests, prefixTokens: start };
}

/** Gives each sequence of a batch its slots, from `first` on. Without a cache, slots are rows of the batch. */
function place(rests: readonly Rest[], first: number): (Rest & CachedSequence)[] {
  let next = first;
  return rests.map((rest) => {
    const start = next;
    next += rest.tokenIds.length;
    return { ...rest, start, cached: 0 };
  });
}

function tokensOf(sequences: readonly CachedSequence[]): number {
  return sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
}
