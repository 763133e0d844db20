import type { Activation, Matrix, Recording } from "../../kernels/backend.ts";
import { packCachedBatch } from "../cached-batch.ts";
import type { ModelParts } from "../qwen3-model.ts";
import { candidatesOf, recordCandidates } from "./candidates.ts";
import type { CheckedGenerateOptions } from "./generate-options.ts";
import type { GeneratedToken, Sequence } from "./sequence.ts";
import { SequenceCache } from "./sequence-cache.ts";

/** Tokens of one sequence that a round computes. */
interface Chunk {
  readonly sequence: Sequence;
  readonly tokenIds: Uint32Array;
}

/**
 * Continues sequences until each has ended. Every round computes tokens that are not cached yet, whether they are a
 * prompt's or the one just generated, as many as fit a batch: long prompts come in pieces, beside others' next tokens.
 */
export class Generation {
  readonly #parts: ModelParts;
  readonly #head: Matrix;
  readonly #options: CheckedGenerateOptions;

  constructor(parts: ModelParts, head: Matrix, options: CheckedGenerateOptions) {
    this.#parts = parts;
    this.#head = head;
    this.#options = options;
  }

  async *run(sequences: readonly Sequence[], signal?: AbortSignal): AsyncGenerator<GeneratedToken> {
    using cache = new SequenceCache(this.#parts.backend, this.#parts.config);
    let live = sequences;
    while (live.length > 0) {
      signal?.throwIfAborted();
      for (const { sequence, row } of await this.#round(live, cache)) {
        signal?.throwIfAborted();
        yield sequence.extend(candidatesOf(row, this.#options, sequence.seen));
      }
      live = live.filter(({ finished }) => !finished);
    }
  }

  /** @returns what decides on the next token of every sequence whose last one was computed */
  async #round(live: readonly Sequence[], cache: SequenceCache): Promise<{ sequence: Sequence; row: Float32Array }[]> {
    const chunks = takeChunks(live, this.#parts.maxBatchTokens);
    const store = cache.reserve(live);
    const batch = packCachedBatch(
      chunks.map(({ sequence: { index, cached }, tokenIds }) => ({ tokenIds, cached, start: cache.startOf(index) })),
    );
    const ops = this.#parts.backend.record();
    const last = this.#parts.decoder.run(ops, batch, { rows: "last", cache: { store, slots: batch.slots } });
    for (const { sequence, tokenIds } of chunks) sequence.cached += tokenIds.length;

    const complete = chunks.map(({ sequence }, n) => ({ sequence, n })).filter(({ sequence }) => sequence.isCached);
    const read = complete.length === 0 ? last : this.#candidates(ops, last, complete.map(({ n }) => n)); // oxfmt-ignore
    const [data = new Float32Array()] = await ops.read(read);
    return complete.map(({ sequence }, i) => ({ sequence, row: data.subarray(i * read.width, (i + 1) * read.width) }));
  }

  /** Of some of the rows. [N, hidden] → [rows.length, …] */
  #candidates(ops: Recording, last: Activation, rows: readonly number[]): Activation {
    const wanted = rows.length === last.rows ? last : ops.gatherRows(last, Uint32Array.from(rows));
    return recordCandidates(ops, ops.linear(wanted, this.#head), this.#options);
  }
}

function takeChunks(live: readonly Sequence[], maxBatchTokens: number): Chunk[] {
  const chunks: Chunk[] = [];
  let room = maxBatchTokens;
  for (const sequence of live) {
    if (room === 0) break;
    const tokenIds = sequence.pending(room);
    room -= tokenIds.length;
    chunks.push({ sequence, tokenIds });
  }
  return chunks;
}
