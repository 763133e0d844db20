import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseConfig } from "../../src/model/config.ts";

const TINY = {
  model_type: "qwen3",
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: 600,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: null,
  tie_word_embeddings: true,
  eos_token_id: 3,
};

const without = (...fields: (keyof typeof TINY)[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(TINY).filter(([field]) => !fields.some((left) => left === field)));

describe("parseConfig", () => {
  it("reads transformers 4's style", () => {
    const config = parseConfig(TINY, "config.json");
    assert.deepEqual(
      { ...config },
      {
        hiddenSize: 64,
        intermediateSize: 160,
        numHiddenLayers: 3,
        numAttentionHeads: 4,
        numKeyValueHeads: 2,
        headDim: 32,
        vocabSize: 600,
        maxPositionEmbeddings: 512,
        rmsNormEps: 1e-6,
        ropeTheta: 1e6,
        tieWordEmbeddings: true,
        eosTokenIds: [3],
      },
    );
  });

  it("reads transformers 5's style", () => {
    const value = {
      ...without("rope_theta", "rope_scaling"),
      dtype: "bfloat16",
      rope_parameters: { rope_type: "default", rope_theta: 5e5 },
      layer_types: ["full_attention", "full_attention", "full_attention"],
      eos_token_id: [3, 4],
    };
    const config = parseConfig(value, "config.json");
    assert.equal(config.ropeTheta, 5e5);
    assert.deepEqual(config.eosTokenIds, [3, 4]);
  });

  it("takes head_dim's default from transformers", () => {
    assert.equal(parseConfig(without("head_dim"), "config.json").headDim, 128);
  });

  const refused: readonly [string, unknown, RegExp][] = [
    ["not an object", [1], /config\.json: expected a JSON object, got \[1\]/],
    [
      "another architecture",
      { ...TINY, model_type: "llama" },
      /'model_type' is "llama"; this runtime supports only 'qwen3'/,
    ],
    ["no architecture", { ...TINY, model_type: undefined }, /'model_type' is nothing/],
    ["attention bias", { ...TINY, attention_bias: true }, /'attention_bias' is true.*only false/],
    ["another activation", { ...TINY, hidden_act: "gelu" }, /'hidden_act' is "gelu".*silu/],
    [
      "rope scaling",
      { ...TINY, rope_scaling: { rope_type: "yarn", factor: 4 } },
      /'rope_scaling\.rope_type' is "yarn".*no scaling/,
    ],
    [
      "old-style rope scaling",
      { ...TINY, rope_scaling: { type: "linear", factor: 2 } },
      /'rope_scaling\.rope_type' is "linear"/,
    ],
    ["sliding window", { ...TINY, use_sliding_window: true, sliding_window: 128 }, /'use_sliding_window' is true/],
    [
      "sliding layers",
      { ...TINY, layer_types: ["full_attention", "sliding_attention"] },
      /'layer_types'.*full_attention/,
    ],
    ["quantised", { ...TINY, quantization_config: { quant_method: "awq" } }, /'quantization_config'.*only unquantised/],
    ["missing size", without("hidden_size"), /'hidden_size' is nothing, expected a whole number/],
    ["fractional size", { ...TINY, num_hidden_layers: 2.5 }, /'num_hidden_layers' is 2\.5/],
    ["absurd size", { ...TINY, vocab_size: 1e12 }, /'vocab_size' is 1000000000000/],
    ["negative eps", { ...TINY, rms_norm_eps: -1 }, /'rms_norm_eps' is -1, expected a positive number/],
    ["missing theta", without("rope_theta"), /'rope_theta' is nothing/],
    ["odd head", { ...TINY, head_dim: 33 }, /'head_dim' is 33, expected an even number/],
    [
      "uneven groups",
      { ...TINY, num_key_value_heads: 3 },
      /'num_attention_heads' is 4, expected a multiple of num_key_value_heads \(3\)/,
    ],
    [
      "text for a flag",
      { ...TINY, tie_word_embeddings: "yes" },
      /'tie_word_embeddings' is "yes", expected true or false/,
    ],
  ];
  for (const [what, value, message] of refused) {
    it(`refuses ${what}`, () =>
      assert.throws(() => parseConfig(value, "config.json"), { name: "Qwen3Error", message }));
  }

  it("ignores a sliding window that is not in use", () => {
    parseConfig({ ...TINY, use_sliding_window: false, sliding_window: 128 }, "config.json");
  });
});
