import type { Segment } from "../backend.ts";
import { dot } from "./dot.ts";
import { HostTensor } from "./host-tensor.ts";
import type { HostQkv } from "./qkv.ts";

export interface HostAttentionOptions {
  readonly headDim: number;
  readonly segments: readonly Segment[];
}

/**
 * softmax(q·kᵀ · D^-½) · v for every query row and head, over the keys its segment lets it see. Query head h reads
 * key/value head h / (H/KV). q [Q, H·D], k, v [K, KV·D] → [Q, H·D]
 */
export function attention({ q, k, v }: HostQkv, { headDim, segments }: HostAttentionOptions): HostTensor {
  const out = new HostTensor(q.rows, q.width);
  const heads = q.width / headDim;
  const headsPerKv = q.width / k.width;
  for (const segment of segments) {
    for (let i = 0; i < segment.queryLength; i++) {
      const keys = visibleKeys(segment, i);
      for (let head = 0; head < heads; head++) {
        const kvStart = Math.floor(head / headsPerKv) * headDim;
        const query = headOf(q, segment.queryStart + i, head * headDim, headDim);
        const weights = softmax(keys.map((row) => dot(query, headOf(k, row, kvStart, headDim)) / Math.sqrt(headDim)));
        const mixed = headOf(out, segment.queryStart + i, head * headDim, headDim);
        weighHeads(weights, keys, (row) => headOf(v, row, kvStart, headDim), mixed);
      }
    }
  }
  return out;
}

/** Key rows that query row `i` of a segment sees: the whole prefix, then its own sequence up to itself. */
function visibleKeys(segment: Segment, i: number): Float64Array {
  const own = segment.keyLength - segment.queryLength + i + 1;
  const keys = new Float64Array(segment.prefixLength + own);
  for (let j = 0; j < segment.prefixLength; j++) keys[j] = segment.prefixStart + j;
  for (let j = 0; j < own; j++) keys[segment.prefixLength + j] = segment.keyStart + j;
  return keys;
}

function headOf(x: HostTensor, row: number, start: number, headDim: number): Float32Array {
  const offset = row * x.width + start;
  return x.data.subarray(offset, offset + headDim);
}

/** exp(s − max) / Σ, in place. */
function softmax(scores: Float64Array): Float64Array {
  const max = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (const [j, score] of scores.entries()) sum += scores[j] = Math.exp(score - max);
  for (const [j, weight] of scores.entries()) scores[j] = weight / sum;
  return scores;
}

/** out = Σ weights[j] · v[keys[j]] */
function weighHeads(
  weights: Float64Array,
  keys: Float64Array,
  value: (row: number) => Float32Array,
  out: Float32Array,
): void {
  const sums = new Float64Array(out.length);
  for (const [j, weight] of weights.entries()) {
    const row = value(keys[j] as number);
    for (let d = 0; d < sums.length; d++) sums[d] = (sums[d] as number) + weight * (row[d] as number);
  }
  out.set(sums);
}
