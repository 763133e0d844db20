import type { QkvOptions } from "../backend.ts";
import { gatherRows } from "./gather-rows.ts";
import type { HostMatrix } from "./host-matrix.ts";
import type { HostNorm } from "./host-norm.ts";
import type { HostTensor } from "./host-tensor.ts";
import { linear } from "./linear.ts";
import { headNorm } from "./rms-norm.ts";
import { rope } from "./rope.ts";

export interface HostQkvWeights {
  readonly qkvProj: HostMatrix;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly qNorm: HostNorm;
  readonly kNorm: HostNorm;
}

export interface HostQkv {
  readonly q: HostTensor;
  readonly k: HostTensor;
  readonly v: HostTensor;
}

/** One product for all three, then Qwen3's per-head norm of q and k, then RoPE. x [T, hidden] → q [Q, H·D], k, v [T, KV·D] */
export function qkv(x: HostTensor, weights: HostQkvWeights, options: QkvOptions): HostQkv {
  const { positions, rotary, queryRows, rotate = true } = options;
  const qWidth = weights.numAttentionHeads * weights.qNorm.width;
  const kvWidth = weights.numKeyValueHeads * weights.kNorm.width;

  const product = linear(x, weights.qkvProj); // [T, (H + 2·KV)·D]
  const allQ = product.columns(0, qWidth);
  const q = headNorm(queryRows ? gatherRows(allQ, queryRows) : allQ, weights.qNorm);
  const k = headNorm(product.columns(qWidth, qWidth + kvWidth), weights.kNorm);
  const v = product.columns(qWidth + kvWidth, qWidth + 2 * kvWidth);

  if (!rotate) return { q, k, v };
  const queryPositions = queryRows ? queryRows.map((row) => positions[row] as number) : positions;
  return { q: rope(q, queryPositions, rotary), k: rope(k, positions, rotary), v };
}
