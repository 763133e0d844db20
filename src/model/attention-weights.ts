import type { QkvResult } from "../kernels/backend.ts";
import type { Captured } from "./captured.ts";
import type { Qwen3Config } from "./config.ts";

/**
 * softmax(q·kᵀ · D^-½) of one whole sequence as [H, T, T]. No backend ever holds these (flash attention), so they are
 * made here from the q and k that the backend computed.
 */
export function attentionWeights(
  { q, k }: QkvResult,
  { numAttentionHeads, numKeyValueHeads, headDim }: Qwen3Config,
): Captured {
  const length = q.rows;
  const groupSize = numAttentionHeads / numKeyValueHeads;
  return {
    sources: [q, k],
    toTensor: ([queries = new Float32Array(), keys = new Float32Array()]) => {
      const data = new Float32Array(numAttentionHeads * length * length);
      for (let head = 0; head < numAttentionHeads; head++) {
        for (let t = 0; t < length; t++) {
          const query = queries.subarray(t * q.width + head * headDim).subarray(0, headDim);
          const keyStart = Math.floor(head / groupSize) * headDim;
          const scores = Float64Array.from({ length: t + 1 }, (_, s) => {
            const key = keys.subarray(s * k.width + keyStart).subarray(0, headDim);
            return query.reduce((sum, value, d) => sum + value * (key[d] ?? 0), 0) / Math.sqrt(headDim);
          });
          data.set(softmax(scores), (head * length + t) * length);
        }
      }
      return { shape: [numAttentionHeads, length, length], data };
    },
  };
}

function softmax(scores: Float64Array): Float64Array {
  const max = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = scores.map((score) => Math.exp(score - max));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
