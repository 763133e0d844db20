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
 * Chooses one of the candidates.
 *
 * @param draw from 0 to 1
 * @returns its place among the candidates
 */
export function sample(candidates: Candidates, options: SamplingOptions, draw: number): number {
  const shares = probabilities(candidates, options);
  let left = draw;
  for (const [place, share] of shares.entries()) {
    left -= share;
    if (left < 0) return place;
  }
  return shares.length - 1; // rounding
}

/**
 * What the first candidates are drawn with, the others not at all: as transformers, temperature, then top-p, then min-p.
 * The sum is 1.
 */
export function probabilities({ logits }: Candidates, { temperature, topP, minP }: SamplingOptions): Float64Array {
  if (temperature === 0) return Float64Array.of(1);
  const largest = logits[0] ?? 0;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const kept = weights.subarray(0, countKept(weights, topP, minP));
  const total = sum(kept);
  return kept.map((weight) => weight / total);
}

/** How many of the weights, which fall from 1, pass top-p and min-p; at least one. */
function countKept(weights: Float64Array, topP: number, minP: number): number {
  const enough = topP * sum(weights);
  let before = 0;
  let kept = 0;
  for (const weight of weights) {
    if (kept > 0 && (before >= enough || weight < minP)) break;
    before += weight;
    kept++;
  }
  return kept;
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
