import { Qwen3Error } from "../../core/errors.ts";

/** What of a PEFT adapter_config.json decides the merged weights. */
export interface AdapterConfig {
  /** Hub id or path of the model that the adapter was trained on. */
  readonly baseModel: string | undefined;
  /** Of it, where it is a hub id. */
  readonly baseRevision: string | undefined;
  /** Factor of B·A: alpha / r, or alpha / √r with rslora. */
  readonly scale: number;
  readonly rank: number;
}

type Json = Readonly<Record<string, unknown>>;

/** Fields that change what an adapter computes, with the values under which it is plain LoRA. */
const PLAIN: Readonly<Record<string, (value: unknown) => boolean>> = {
  peft_type: (value) => value === "LORA",
  bias: (value) => isAbsent(value) || value === "none",
  fan_in_fan_out: isOff,
  use_dora: isOff,
  lora_bias: isOff,
  use_qalora: isOff,
  use_bdlora: isOff,
  modules_to_save: isEmpty,
  rank_pattern: isEmpty,
  alpha_pattern: isEmpty,
  layer_replication: isEmpty,
  target_parameters: isEmpty,
  trainable_token_indices: isEmpty,
  alora_invocation_tokens: isEmpty,
  arrow_config: isEmpty,
  kasa_config: isEmpty,
};

/** @throws Qwen3Error naming the file and the field that cannot be used */
export function parseAdapterConfig(value: unknown, file: string): AdapterConfig {
  if (typeof value !== "object" || value === null)
    throw new Qwen3Error("invalid-checkpoint", `${file}: expected a JSON object`);
  const config: Json = { ...value };
  for (const [field, isPlain] of Object.entries(PLAIN)) {
    if (isPlain(config[field])) continue;
    const advice =
      "this runtime merges plain LoRA only; merge the adapter with PEFT's merge_and_unload and save the result";
    throw new Qwen3Error(
      "unsupported",
      `${file}: '${field}' is ${JSON.stringify(config[field]) ?? "nothing"}; ${advice}`,
    );
  }
  const rank = readPositive(config, "r", file);
  const alpha = readPositive(config, "lora_alpha", file);
  return {
    rank,
    scale: alpha / (config["use_rslora"] === true ? Math.sqrt(rank) : rank),
    baseModel: readName(config, "base_model_name_or_path"),
    baseRevision: readName(config, "revision"),
  };
}

function readName(config: Json, field: string): string | undefined {
  const value = config[field];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readPositive(config: Json, field: string, file: string): number {
  const value = config[field];
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw new Qwen3Error(
    "invalid-checkpoint",
    `${file}: '${field}' is ${JSON.stringify(value) ?? "nothing"}, expected a positive number`,
  );
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isOff(value: unknown): boolean {
  return isAbsent(value) || value === false;
}

function isEmpty(value: unknown): boolean {
  return isAbsent(value) || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
}
