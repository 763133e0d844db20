import type { Activation, Ops } from "../kernels/backend.ts";
import { attentionWeights } from "./attention-weights.ts";
import type { Captured } from "./captured.ts";
import type { Qwen3Config } from "./config.ts";
import type { LayerContext, LayerTrace, LayerWeights } from "./layer.ts";
import { columns, everySecond, heads, headsFirst, map, whole } from "./tensor-views.ts";

/** What a capture function may look at. */
export interface LayerScene {
  readonly ops: Ops;
  readonly trace: LayerTrace;
  readonly layer: LayerWeights;
  readonly context: LayerContext;
  readonly config: Qwen3Config;
}

export type LayerCapture = (scene: LayerScene) => Captured;

/**
 * Module outputs of one layer by transformers' path. Where a backend fuses modules (q, k and v; gate and up; a product
 * with its residual), the same product is recorded once more without the fusion, by the same kernels. `.input` names
 * what goes into a module where no other module's output is it.
 */
export const LAYER_CAPTURES: ReadonlyMap<string, LayerCapture> = new Map<string, LayerCapture>([
  ["", ({ trace }) => whole(trace.output)],
  ["input_layernorm", ({ trace }) => whole(trace.normed)],
  ["self_attn.q_proj", (scene) => projection(scene, 0)],
  ["self_attn.k_proj", (scene) => projection(scene, 1)],
  ["self_attn.v_proj", (scene) => projection(scene, 2)],
  ["self_attn.q_norm", (scene) => heads(unrotated(scene).q, scene.config.headDim)],
  ["self_attn.k_norm", (scene) => heads(unrotated(scene).k, scene.config.headDim)],
  ["self_attn.q_rope", ({ trace, config }) => headsFirst(trace.qkv.q, config.headDim)],
  ["self_attn.k_rope", ({ trace, config }) => headsFirst(trace.qkv.k, config.headDim)],
  ["self_attn.attn_weights", ({ trace, config }) => attentionWeights(trace.qkv, config)],
  ["self_attn.o_proj.input", ({ trace }) => whole(trace.attended)],
  ["self_attn.o_proj", (scene) => outputProjection(scene)],
  ["self_attn", (scene) => outputProjection(scene)],
  ["post_attention_layernorm.input", ({ trace }) => whole(trace.mixed)],
  ["post_attention_layernorm", ({ trace }) => whole(trace.mlpInput)],
  ["mlp.gate_proj", (scene) => everySecond(gateUpProduct(scene), 0)],
  ["mlp.up_proj", (scene) => everySecond(gateUpProduct(scene), 1)],
  ["mlp.act_fn", (scene) => map(everySecond(gateUpProduct(scene), 0), (gate) => gate / (1 + Math.exp(-gate)))],
  ["mlp.down_proj.input", ({ trace }) => whole(trace.gated)],
  ["mlp.down_proj", (scene) => downProjection(scene)],
  ["mlp", (scene) => downProjection(scene)],
]);

function projection({ ops, trace, layer, config }: LayerScene, which: 0 | 1 | 2): Captured {
  const q = config.numAttentionHeads * config.headDim;
  const kv = config.numKeyValueHeads * config.headDim;
  const bounds = [0, q, q + kv, q + 2 * kv] as const;
  return columns(ops.linear(trace.normed, layer.qkvProj), bounds[which], bounds[which + 1] ?? 0);
}

function unrotated({ ops, trace, layer, context }: LayerScene): LayerTrace["qkv"] {
  return ops.qkv(trace.normed, layer, { positions: context.positions, rotary: context.rotary, rotate: false });
}

function outputProjection({ ops, trace, layer }: LayerScene): Captured {
  return whole(ops.linear(trace.attended, layer.oProj));
}

function gateUpProduct({ ops, trace, layer }: LayerScene): Activation {
  return ops.linear(trace.mlpInput, layer.gateUpProj);
}

function downProjection({ ops, trace, layer }: LayerScene): Captured {
  return whole(ops.linear(trace.gated, layer.downProj));
}
