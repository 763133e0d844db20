import type { Candidates } from "./candidates.ts";

export interface SamplingOptions {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  /** The likeliest tokens whose probabilities together reach this; 1 for all. */
  readonly topP: number;
  /** Tokens at least this share as likely as the likeliest; 0 for all. */
  readonly minP: number;
}

/**
 * Chooses one of the candidates, as transformers does it: temperature, then top-p, then min-p.
 *
 * @param draw from 0 to 1
 * @returns its place among the candidates
 */
export function sample({ logits }: Candidates, options: SamplingOptions, draw: number): number {
  const { temperature, topP, minP } = options;
  if (temperature === 0) return 0;
  const largest = logits[0] ?? 0;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const kept = countKept(weights, topP, minP);
  let left = draw * weights.subarray(0, kept).reduce((a, b) => a + b, 0);
  for (let i = 0; i < kept; i++) {
    left -= weights[i] ?? 0;
    if (left < 0) return i;
  }
  return kept - 1; // rounding
}

/** How many of the candidates, which stand in order, pass top-p and min-p; at least one. */
function countKept(weights: Float64Array, topP: number, minP: number): number {
  const enough = topP * weights.reduce((a, b) => a + b, 0);
  let before = 0;
  let kept = 0;
  for (const weight of weights) {
    if (kept > 0 && (before >= enough || weight < minP)) break;
    before += weight;
    kept++;
  }
  return kept;
}
