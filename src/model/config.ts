import { Qwen3Error } from "../core/errors.ts";
import type { DecoderShape } from "../kernels/backend.ts";

/** A Qwen3 config.json, checked. Names are transformers' own in camel case. */
export interface Qwen3Config extends DecoderShape {
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly maxPositionEmbeddings: number;
  readonly tieWordEmbeddings: boolean;
  /** Ids that end a generated text, from config.json; empty if it names none. */
  readonly eosTokenIds: readonly number[];
}

type Json = Readonly<Record<string, unknown>>;

/** Far above any published model (8B: 36 layers, 151,936 × 12,288); keeps products of sizes exact in a double. */
const LARGEST_SIZE = 2 ** 24;

/**
 * Reads a config.json as transformers 4 (top-level `rope_theta`) or 5 (`rope_parameters`) writes it.
 *
 * @param file named in errors
 * @throws Qwen3Error `invalid-checkpoint` for a missing or impossible field, `unsupported` for what we do not compute
 */
export function parseConfig(value: unknown, file: string): Qwen3Config {
  if (!isObject(value))
    throw new Qwen3Error("invalid-checkpoint", `${file}: expected a JSON object, got ${describe(value)}`);
  refuseUnsupported(value, file);
  const size = (field: string, fallback?: number): number => readSize(value, field, file, fallback);
  const config: Qwen3Config = {
    hiddenSize: size("hidden_size"),
    intermediateSize: size("intermediate_size"),
    numHiddenLayers: size("num_hidden_layers"),
    numAttentionHeads: size("num_attention_heads"),
    numKeyValueHeads: size("num_key_value_heads"),
    headDim: size("head_dim", 128), // transformers' Qwen3Config default; not hidden_size / heads
    vocabSize: size("vocab_size"),
    maxPositionEmbeddings: size("max_position_embeddings"),
    rmsNormEps: readPositive(value, "rms_norm_eps", file),
    ropeTheta: readRopeTheta(value, file),
    tieWordEmbeddings: readBoolean(value, "tie_word_embeddings", file, false),
    eosTokenIds: readIds(value["eos_token_id"]),
  };
  checkHeads(config, file);
  return config;
}

const SUPPORTED: readonly { field: string; allowed: readonly unknown[]; supported: string }[] = [
  { field: "model_type", allowed: ["qwen3"], supported: "only 'qwen3' (dense Qwen3 decoders)" },
  { field: "hidden_act", allowed: ["silu", undefined], supported: "only 'silu'" },
  { field: "attention_bias", allowed: [false, null, undefined], supported: "only false" },
  {
    field: "quantization_config",
    allowed: [null, undefined],
    supported: "only unquantised checkpoints (bf16, f16 or f32)",
  },
];

function refuseUnsupported(config: Json, file: string): void {
  for (const { field, allowed, supported } of SUPPORTED) {
    if (!allowed.includes(config[field])) throw unsupported(file, field, config[field], supported);
  }
  const windowed = config["use_sliding_window"] === true && typeof config["sliding_window"] === "number";
  if (windowed) throw unsupported(file, "use_sliding_window", true, "only full attention in every layer");
  const layerTypes = config["layer_types"];
  if (Array.isArray(layerTypes) && layerTypes.some((type) => type !== "full_attention")) {
    throw unsupported(file, "layer_types", layerTypes, "only 'full_attention' in every layer");
  }
}

function readRopeTheta(config: Json, file: string): number {
  for (const field of ["rope_scaling", "rope_parameters"]) {
    const rope = config[field];
    if (rope === undefined || rope === null) continue;
    if (!isObject(rope)) throw invalid(file, field, rope, "an object or null");
    const type = rope["rope_type"] ?? rope["type"] ?? "default";
    if (type !== "default") throw unsupported(file, `${field}.rope_type`, type, "only 'default' (no scaling)");
    if (rope["rope_theta"] !== undefined) return readPositive(rope, "rope_theta", file, `${field}.rope_theta`);
  }
  return readPositive(config, "rope_theta", file);
}

function checkHeads({ headDim, numAttentionHeads, numKeyValueHeads }: Qwen3Config, file: string): void {
  if (headDim % 2 !== 0) throw invalid(file, "head_dim", headDim, "an even number (RoPE turns pairs)");
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    throw invalid(
      file,
      "num_attention_heads",
      numAttentionHeads,
      `a multiple of num_key_value_heads (${numKeyValueHeads})`,
    );
  }
}

function readSize(config: Json, field: string, file: string, fallback?: number): number {
  const value = config[field] ?? fallback;
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= LARGEST_SIZE) return value;
  throw invalid(file, field, value, `a whole number from 1 to ${LARGEST_SIZE}`);
}

function readPositive(config: Json, field: string, file: string, path: string = field): number {
  const value = config[field];
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw invalid(file, path, value, "a positive number");
}

function readBoolean(config: Json, field: string, file: string, fallback: boolean): boolean {
  const value = config[field] ?? fallback;
  if (typeof value === "boolean") return value;
  throw invalid(file, field, value, "true or false");
}

function readIds(value: unknown): number[] {
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  return ids.filter((id): id is number => typeof id === "number" && Number.isInteger(id) && id >= 0);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  return JSON.stringify(value) ?? typeof value;
}

function invalid(file: string, field: string, got: unknown, expected: string): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", `${file}: '${field}' is ${describe(got)}, expected ${expected}`);
}

function unsupported(file: string, field: string, got: unknown, supported: string): Qwen3Error {
  return new Qwen3Error("unsupported", `${file}: '${field}' is ${describe(got)}; this runtime supports ${supported}`);
}
