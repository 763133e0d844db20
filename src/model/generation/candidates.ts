import { TOP_K_LIMIT } from "../../kernels/backend.ts";
import type { Activation, Ops } from "../../kernels/backend.ts";

/** Tokens that may come next, most likely first. */
export interface Candidates {
  readonly ids: Uint32Array;
  /** What they are chosen by: repetition is penalised if asked for. */
  readonly logits: Float32Array;
  /** log P of each as the model gave it. */
  readonly logprobs: Float32Array;
}

export interface CandidateOptions {
  /** How many are looked at; 0 for all. */
  readonly topK: number;
  /** 1 for none. */
  readonly repetitionPenalty: number;
}

/**
 * Records what has to be read to choose the next tokens: a few candidates of each row where that decides, else all logits,
 * which the host then sorts.
 */
export function recordCandidates(ops: Ops, logits: Activation, options: CandidateOptions): Activation {
  return picksOnDevice(options) ? ops.topK(logits, Math.min(options.topK, logits.width)) : logits;
}

/**
 * The candidates of one row of what was read.
 *
 * @param seen ids that the penalty is for
 */
export function candidatesOf(row: Float32Array, options: CandidateOptions, seen: ReadonlySet<number>): Candidates {
  if (picksOnDevice(options)) {
    const k = (row.length - 1) / 2;
    const logits = row.subarray(0, k);
    return { ids: Uint32Array.from(row.subarray(k, 2 * k)), logits, logprobs: shifted(logits, row[2 * k]) };
  }
  const penalized = penalize(row, options.repetitionPenalty, seen);
  const ids = largest(penalized, options.topK === 0 ? row.length : options.topK);
  const pick = (values: Float32Array): Float32Array => Float32Array.from(ids, (id) => values[id] as number);
  return { ids, logits: pick(penalized), logprobs: shifted(pick(row), logSumExp(row)) };
}

function shifted(logits: Float32Array, by: number = Number.NaN): Float32Array {
  return logits.map((logit) => logit - by);
}

function picksOnDevice({ topK, repetitionPenalty }: CandidateOptions): boolean {
  return topK > 0 && topK <= TOP_K_LIMIT && repetitionPenalty === 1;
}

/** As transformers: what has been seen moves towards less likely on either side of zero. */
function penalize(logits: Float32Array, penalty: number, seen: ReadonlySet<number>): Float32Array {
  if (penalty === 1) return logits;
  const penalized = logits.slice();
  for (const id of seen) {
    const logit = penalized[id] ?? 0;
    penalized[id] = logit < 0 ? logit * penalty : logit / penalty;
  }
  return penalized;
}

/** Columns of the largest values, largest first, of equal ones the lower first. */
function largest(values: Float32Array, count: number): Uint32Array {
  if (count === 1) return Uint32Array.of(values.indexOf(values.reduce((a, b) => Math.max(a, b))));
  const order = Uint32Array.from(values.keys());
  return order.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b).subarray(0, count);
}

function logSumExp(row: Float32Array): number {
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
}
