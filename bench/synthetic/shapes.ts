/** The sizes of a Qwen3 checkpoint as its config.json names them. */
export interface ConfigSizes {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
}

/** The published embedding models, and a small one that keeps their vocabulary. */
export const SHAPES: Readonly<Record<string, ConfigSizes>> = {
  small: {
    hidden_size: 256,
    intermediate_size: 768,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 64,
    vocab_size: 151_669,
    max_position_embeddings: 32_768,
  },
  "0.6b": {
    hidden_size: 1024,
    intermediate_size: 3072,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 151_669,
    max_position_embeddings: 32_768,
  },
  "4b": {
    hidden_size: 2560,
    intermediate_size: 9728,
    num_hidden_layers: 36,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 151_665,
    max_position_embeddings: 40_960,
  },
  "8b": {
    hidden_size: 4096,
    intermediate_size: 12_288,
    num_hidden_layers: 36,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 151_665,
    max_position_embeddings: 40_960,
  },
};

/** A config.json in the form transformers 4.51 writes, which is how the checkpoints were published. */
export function configJson(sizes: ConfigSizes, dtype: string, tied: boolean): Record<string, unknown> {
  return {
    architectures: ["Qwen3ForCausalLM"],
    attention_bias: false,
    attention_dropout: 0,
    bos_token_id: 151_643,
    eos_token_id: 151_643,
    hidden_act: "silu",
    initializer_range: 0.02,
    max_window_layers: sizes.num_hidden_layers,
    model_type: "qwen3",
    rms_norm_eps: 1e-6,
    rope_scaling: null,
    rope_theta: 1_000_000,
    sliding_window: null,
    tie_word_embeddings: tied,
    torch_dtype: dtype,
    transformers_version: "4.51.3",
    use_cache: true,
    use_sliding_window: false,
    ...sizes,
  };
}
