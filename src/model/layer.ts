import type {
  Activation,
  AttentionOptions,
  Matrix,
  Norm,
  Ops,
  QkvResult,
  QkvWeights,
  RotaryTable,
  Segment,
} from "../kernels/backend.ts";

/** One layer's weights, named as in the checkpoint. */
export interface LayerWeights extends QkvWeights {
  readonly inputLayernorm: Norm;
  /** [hidden, H·D] */
  readonly oProj: Matrix;
  readonly postAttentionLayernorm: Norm;
  /** gate and up rows interleaved: [2·intermediate, hidden] */
  readonly gateUpProj: Matrix;
  /** [hidden, intermediate] */
  readonly downProj: Matrix;
}

/** What a layer has to know about the batch. */
export interface LayerContext {
  readonly positions: Uint32Array;
  readonly rotary: RotaryTable;
  readonly segments: readonly Segment[];
  readonly cache?: NonNullable<AttentionOptions["cache"]>;
  /** Rows whose output is wanted, if not all: the others still give keys and values. */
  readonly queryRows?: Uint32Array;
}

/** Everything a layer computes on the way. T rows, or Q = queryRows.length from the query on. */
export interface LayerTrace {
  /** After input_layernorm. [T, hidden] */
  readonly normed: Activation;
  /** q [Q, H·D], k and v [T, KV·D], normed per head and rotated */
  readonly qkv: QkvResult;
  /** Input of o_proj. [Q, H·D] */
  readonly attended: Activation;
  /** Residual stream after attention. [Q, hidden] */
  readonly mixed: Activation;
  /** After post_attention_layernorm. [Q, hidden] */
  readonly mlpInput: Activation;
  /** silu(gate) · up, the input of down_proj. [Q, intermediate] */
  readonly gated: Activation;
  /** Residual stream after the MLP. [Q, hidden] */
  readonly output: Activation;
}

/** One Qwen3 decoder layer. x [T, hidden] */
export function decoderLayer(ops: Ops, x: Activation, layer: LayerWeights, context: LayerContext): LayerTrace {
  const { segments, cache, queryRows, positions, rotary } = context;
  const rows = queryRows ? { queryRows } : {};
  const normed = ops.rmsNorm(x, layer.inputLayernorm);
  const qkv = ops.qkv(normed, layer, { positions, rotary, ...rows });
  const attended = ops.attention(qkv, { headDim: layer.qNorm.width, segments, ...(cache && { cache }) });
  const mixed = ops.linear(attended, layer.oProj, { residual: queryRows ? ops.gatherRows(x, queryRows) : x });
  const mlpInput = ops.rmsNorm(mixed, layer.postAttentionLayernorm);
  const gated = ops.gateUp(mlpInput, layer.gateUpProj);
  const output = ops.linear(gated, layer.downProj, { residual: mixed });
  return { normed, qkv, attended, mixed, mlpInput, gated, output };
}
