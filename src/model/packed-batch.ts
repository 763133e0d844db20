import { Qwen3Error } from "../core/errors.ts";
import type { Segment } from "../kernels/backend.ts";

/** Several sequences one after the other, without padding. T tokens in all, N sequences. */
export interface PackedBatch {
  /** [T] */
  readonly tokenIds: Uint32Array;
  /** Position of each token in its own sequence. [T] */
  readonly positions: Uint32Array;
  /** Sequence n is rows cuSeqlens[n] up to cuSeqlens[n + 1]. [N + 1] */
  readonly cuSeqlens: Uint32Array;
  /** Row of each sequence's last token. [N] */
  readonly lastTokenIndices: Uint32Array;
  /** Every row asks, each within its sequence. */
  readonly segments: readonly Segment[];
  /** Only the last rows ask: query row n is sequence n's last token. */
  readonly lastSegments: readonly Segment[];
}

/** @throws if there is no sequence, or an empty one */
export function packBatch(sequences: readonly Uint32Array[]): PackedBatch {
  if (sequences.length === 0)
    throw new Qwen3Error("invalid-argument", "a batch needs at least one sequence of token ids");
  const cuSeqlens = cumulativeLengths(sequences);
  const total = cuSeqlens.at(-1) ?? 0;
  const tokenIds = new Uint32Array(total);
  const positions = new Uint32Array(total);
  for (const [n, sequence] of sequences.entries()) {
    const start = cuSeqlens[n] ?? 0;
    tokenIds.set(sequence, start);
    for (let i = 0; i < sequence.length; i++) positions[start + i] = i;
  }
  return {
    tokenIds,
    positions,
    cuSeqlens,
    lastTokenIndices: cuSeqlens.slice(1).map((end) => end - 1),
    segments: sequences.map(({ length }, n) => segment(cuSeqlens[n] ?? 0, length, cuSeqlens[n] ?? 0, length)),
    lastSegments: sequences.map(({ length }, n) => segment(n, 1, cuSeqlens[n] ?? 0, length)),
  };
}

function segment(queryStart: number, queryLength: number, keyStart: number, keyLength: number): Segment {
  return { queryStart, queryLength, keyStart, keyLength, prefixStart: 0, prefixLength: 0 };
}

function cumulativeLengths(sequences: readonly Uint32Array[]): Uint32Array {
  const cuSeqlens = new Uint32Array(sequences.length + 1);
  for (const [n, { length }] of sequences.entries()) {
    if (length === 0)
      throw new Qwen3Error("invalid-argument", `sequence ${n} of the batch has no tokens; it needs at least one`);
    cuSeqlens[n + 1] = (cuSeqlens[n] ?? 0) + length;
  }
  return cuSeqlens;
}

/**
 * Cuts work into batches: longest first (so that what needs most memory fails first, and progress only speeds up), each
 * as full as the token budget allows. A sequence longer than the budget gets a batch of its own.
 *
 * @param lengths tokens of each sequence
 * @returns indices into `lengths`, a list per batch
 */
export function planBatches(lengths: readonly number[], maxBatchTokens: number): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  let tokens = 0;
  for (const index of order) {
    const length = lengths[index] ?? 0;
    if (batch.length > 0 && tokens + length > maxBatchTokens) {
      batches.push(batch);
      batch = [];
      tokens = 0;
    }
    batch.push(index);
    tokens += length;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
