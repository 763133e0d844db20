import type { Segment } from "../kernels/backend.ts";
import { type PackedBatch, packBatch } from "./packed-batch.ts";

/** A range of cache slots. */
export interface CachedRange {
  readonly start: number;
  readonly length: number;
}

/** New tokens of a sequence whose earlier tokens are in a cache. */
export interface CachedSequence {
  readonly tokenIds: Uint32Array;
  /** Slot of the sequence's first own token, whether that is among the new ones or cached. */
  readonly start: number;
  /** Own tokens that are cached already. */
  readonly cached: number;
  /** Tokens before its own ones, shared with other sequences. */
  readonly prefix?: CachedRange | undefined;
}

export interface CachedBatch extends PackedBatch {
  /** Where each row's key and value go. [T] */
  readonly slots: Uint32Array;
}

/** Packs new tokens of sequences whose keys and values live in a cache. */
export function packCachedBatch(sequences: readonly CachedSequence[]): CachedBatch {
  const batch = packBatch(sequences.map(({ tokenIds }) => tokenIds));
  const positions = new Uint32Array(batch.tokenIds.length);
  const slots = new Uint32Array(batch.tokenIds.length);
  for (const [n, { tokenIds, start, cached, prefix }] of sequences.entries()) {
    const row = batch.cuSeqlens[n] ?? 0;
    for (let i = 0; i < tokenIds.length; i++) {
      positions[row + i] = (prefix?.length ?? 0) + cached + i;
      slots[row + i] = start + cached + i;
    }
  }
  const overCache = (segment: Segment, n: number): Segment => ({ ...segment, ...keysOf(sequences[n]) });
  return {
    ...batch,
    positions,
    slots,
    segments: batch.segments.map(overCache),
    lastSegments: batch.lastSegments.map(overCache),
  };
}

function keysOf(sequence: CachedSequence | undefined): Partial<Segment> {
  if (!sequence) return {};
  const { tokenIds, start, cached, prefix } = sequence;
  return {
    keyStart: start,
    keyLength: cached + tokenIds.length,
    prefixStart: prefix?.start ?? 0,
    prefixLength: prefix?.length ?? 0,
  };
}
