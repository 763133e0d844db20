import { Qwen3Error } from "../../core/errors.ts";
import type { MatrixSource } from "../../kernels/backend.ts";
import { ModelFolder, SafetensorsFile } from "../../weights/index.ts";
import { LAYER_TENSORS } from "../tensor-names.ts";
import { type AdapterConfig, parseAdapterConfig } from "./adapter-config.ts";
import { type LowRank, mergeLowRank } from "./merge-low-rank.ts";

export const ADAPTER_CONFIG = "adapter_config.json";
const ADAPTER_WEIGHTS = "adapter_model.safetensors";

/** Before the base model's tensor names in PEFT's files: `model.` once more where the base has a language-model head. */
const PEFT_PREFIX = /^base_model\.model\.(?:model\.)?/;

/** The linear layers of a Qwen3 decoder; an adapter may target any of them. */
const TARGETS = Object.values(LAYER_TENSORS).filter((name) => name.includes("_proj."));

/** A LoRA adapter as PEFT writes it, to be merged while the base model's weights are read. */
export class LoraAdapter {
  readonly config: AdapterConfig;
  readonly folder: ModelFolder;
  /** By tensor name without prefix, e.g. `layers.0.self_attn.q_proj.weight`. */
  readonly #updates: ReadonlyMap<string, LowRank>;
  readonly #unused: Set<string>;

  private constructor(folder: ModelFolder, config: AdapterConfig, updates: ReadonlyMap<string, LowRank>) {
    this.folder = folder;
    this.config = config;
    this.#updates = updates;
    this.#unused = new Set(updates.keys());
  }

  /** @throws Qwen3Error naming the file and the field or tensor that cannot be used */
  static async open(path: string): Promise<LoraAdapter> {
    const folder = new ModelFolder(path);
    if (folder.file(ADAPTER_CONFIG) === undefined) {
      const message = `${path} has no ${ADAPTER_CONFIG}; expected a LoRA adapter as PEFT's save_pretrained writes it`;
      throw new Qwen3Error("not-found", message);
    }
    const config = parseAdapterConfig(await folder.json(ADAPTER_CONFIG), `${path}/${ADAPTER_CONFIG}`);
    const weights = folder.file(ADAPTER_WEIGHTS);
    if (weights === undefined)
      throw new Qwen3Error("not-found", `${path} has an ${ADAPTER_CONFIG} but no ${ADAPTER_WEIGHTS}`);
    await using file = await SafetensorsFile.open(weights);
    return new LoraAdapter(folder, config, await readUpdates(file, config));
  }

  /** The matrix with its update, or as it is if the adapter leaves it alone. @param name without the checkpoint's prefix */
  merge(source: MatrixSource, name: string): MatrixSource {
    const update = this.#updates.get(name);
    if (!update) return source;
    this.#unused.delete(name);
    return mergeLowRank(source, update);
  }

  /** @throws Qwen3Error if an update found no matrix to be merged with */
  checkAllMerged(): void {
    const [name] = this.#unused;
    if (name === undefined) return;
    const message = `${this.folder.path}: ${this.#unused.size} updates fit no layer of the base model, the first for '${name}'; is it the adapter's own base?`;
    throw new Qwen3Error("invalid-checkpoint", message);
  }
}

async function readUpdates(file: SafetensorsFile, { rank, scale }: AdapterConfig): Promise<Map<string, LowRank>> {
  const updates = new Map<string, LowRank>();
  for (const [name, { shape }] of file.tensors) {
    const target = targetOf(name);
    if (target === undefined) throw unknownTensor(file, name);
    if (!name.endsWith(".lora_A.weight")) continue;
    const upName = name.replace(/lora_A\.weight$/, "lora_B.weight");
    const [downRank, columns = 0] = shape;
    const [rows = 0, upRank] = file.tensors.get(upName)?.shape ?? [];
    if (downRank !== rank || upRank !== rank) {
      const message = `${file.path}: '${name}' has shape [${shape.join(", ")}], its lora_B rank ${upRank ?? "nothing"}; expected rank ${rank} as in ${ADAPTER_CONFIG}`;
      throw new Qwen3Error("invalid-checkpoint", message);
    }
    updates.set(target, {
      rows,
      columns,
      rank,
      scale,
      down: await file.readFloat32(name),
      up: await file.readFloat32(upName),
    });
  }
  return updates;
}

/** `base_model.model.layers.0.mlp.up_proj.lora_A.weight` → `layers.0.mlp.up_proj.weight` */
function targetOf(name: string): string | undefined {
  const target = name.replace(PEFT_PREFIX, "").replace(/\.lora_[AB]\.weight$/, ".weight");
  const [, relative] = /^layers\.\d+\.(.+)$/.exec(target) ?? [];
  const known =
    PEFT_PREFIX.test(name) && /\.lora_[AB]\.weight$/.test(name) && TARGETS.some((tensor) => tensor === relative);
  return known ? target : undefined;
}

function unknownTensor(file: SafetensorsFile, name: string): Qwen3Error {
  const targets = TARGETS.map((tensor) => tensor.replace(/^.*\.(\w+)\.weight$/, "$1")).join(", ");
  return new Qwen3Error(
    "unsupported",
    `${file.path}: tensor '${name}' is no LoRA update of ${targets}, which are all that can be merged`,
  );
}
