import type { Qwen3Config } from "./config.ts";

/** Tensor names as transformers writes them, without the `model.` that some checkpoints put before them. */
export const EMBED_TOKENS = "embed_tokens.weight";
export const FINAL_NORM = "norm.weight";
/** Never prefixed. */
export const LM_HEAD = "lm_head.weight";

/** The tensors of one layer, after `layers.N.`. */
export const LAYER_TENSORS = {
  inputLayernorm: "input_layernorm.weight",
  qProj: "self_attn.q_proj.weight",
  kProj: "self_attn.k_proj.weight",
  vProj: "self_attn.v_proj.weight",
  qNorm: "self_attn.q_norm.weight",
  kNorm: "self_attn.k_norm.weight",
  oProj: "self_attn.o_proj.weight",
  postAttentionLayernorm: "post_attention_layernorm.weight",
  gateProj: "mlp.gate_proj.weight",
  upProj: "mlp.up_proj.weight",
  downProj: "mlp.down_proj.weight",
} as const;

export type LayerTensor = keyof typeof LAYER_TENSORS;

/** Shape of every tensor of one layer. */
function layerShapes(config: Qwen3Config): Readonly<Record<LayerTensor, readonly number[]>> {
  const { hiddenSize, intermediateSize, headDim } = config;
  const qWidth = config.numAttentionHeads * headDim;
  const kvWidth = config.numKeyValueHeads * headDim;
  return {
    inputLayernorm: [hiddenSize],
    qProj: [qWidth, hiddenSize],
    kProj: [kvWidth, hiddenSize],
    vProj: [kvWidth, hiddenSize],
    qNorm: [headDim],
    kNorm: [headDim],
    oProj: [hiddenSize, qWidth],
    postAttentionLayernorm: [hiddenSize],
    gateProj: [intermediateSize, hiddenSize],
    upProj: [intermediateSize, hiddenSize],
    downProj: [hiddenSize, intermediateSize],
  };
}

/** Every tensor the decoder itself needs, with its shape, in the order of the computation. */
export function decoderTensors(config: Qwen3Config, prefix: string): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([[prefix + EMBED_TOKENS, [config.vocabSize, config.hiddenSize]]]);
  const perLayer = layerShapes(config);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    for (const [tensor, name] of Object.entries(LAYER_TENSORS) as [LayerTensor, string][]) {
      shapes.set(`${prefix}layers.${layer}.${name}`, perLayer[tensor]);
    }
  }
  return shapes.set(prefix + FINAL_NORM, [config.hiddenSize]);
}
