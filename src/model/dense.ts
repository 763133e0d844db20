import { Qwen3Error } from "../core/errors.ts";
import { checkTensors, SafetensorsFile } from "../weights/index.ts";
import type { ModelFiles } from "./open-model.ts";

/** sentence-transformers' Dense module: `activation(x · Wᵀ + b)` on a pooled vector. */
export class Dense {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly #weight: Float32Array;
  readonly #bias: Float32Array | undefined;
  readonly #activation: (x: number) => number;

  private constructor(config: DenseConfig, weight: Float32Array, bias: Float32Array | undefined) {
    this.inFeatures = config.inFeatures;
    this.outFeatures = config.outFeatures;
    this.#activation = config.activation;
    this.#weight = weight;
    this.#bias = bias;
  }

  /**
   * @param path the module's folder, e.g. `2_Dense`
   * @throws Qwen3Error naming the file and field that cannot be used
   */
  static async load(files: ModelFiles, path: string): Promise<Dense> {
    const configFile = `${path}/config.json`;
    const config = readConfig(await files.json(configFile), configFile);
    const weightFile = files.file(`${path}/model.safetensors`);
    if (weightFile === undefined) {
      throw new Qwen3Error(
        "not-found",
        `${files.name}/${path} has no model.safetensors; save the model with safe_serialization`,
      );
    }
    await using file = await SafetensorsFile.open(weightFile);
    const shapes = new Map([["linear.weight", [config.outFeatures, config.inFeatures]]]);
    if (config.bias) shapes.set("linear.bias", [config.outFeatures]);
    checkTensors({ name: `${files.name}/${path}`, tensors: file.tensors }, shapes, { unexpected: "refuse" });
    const bias = config.bias ? await file.readFloat32("linear.bias") : undefined;
    return new Dense(config, await file.readFloat32("linear.weight"), bias);
  }

  /** x [inFeatures] → [outFeatures] */
  apply(x: Float32Array): Float32Array {
    return Float32Array.from({ length: this.outFeatures }, (_, row) => {
      const weights = this.#weight.subarray(row * this.inFeatures, (row + 1) * this.inFeatures);
      const product = weights.reduce((sum, weight, i) => sum + weight * (x[i] ?? 0), this.#bias?.[row] ?? 0);
      return this.#activation(product);
    });
  }
}

interface DenseConfig {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
  readonly activation: (x: number) => number;
}

/** By the class name at the end of `activation_function`, e.g. `torch.nn.modules.activation.Tanh`. */
const ACTIVATIONS: ReadonlyMap<string, (x: number) => number> = new Map([
  ["Identity", (x: number) => x],
  ["Tanh", Math.tanh],
  ["ReLU", (x: number) => Math.max(x, 0)],
  ["Sigmoid", (x: number) => 1 / (1 + Math.exp(-x))],
]);

function readConfig(value: unknown, file: string): DenseConfig {
  const config = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const refuse = (field: string, expected: string): never => {
    const got = JSON.stringify(config[field]) ?? "nothing";
    throw new Qwen3Error("unsupported", `${file}: '${field}' is ${got}; this runtime supports ${expected}`);
  };
  const size = (field: string): number => {
    const got = config[field];
    return typeof got === "number" && Number.isInteger(got) && got > 0 ? got : refuse(field, "a whole number from 1");
  };
  const name = config["activation_function"];
  const activation = ACTIVATIONS.get(typeof name === "string" ? (name.split(".").at(-1) ?? "") : "");
  if (config["use_residual"] === true) refuse("use_residual", "only false");
  for (const field of ["module_input_name", "module_output_name"]) {
    if (![undefined, null, "sentence_embedding"].includes(config[field] as string))
      refuse(field, "only 'sentence_embedding'");
  }
  return {
    inFeatures: size("in_features"),
    outFeatures: size("out_features"),
    bias: config["bias"] !== false,
    activation: activation ?? refuse("activation_function", [...ACTIVATIONS.keys()].join(", ")),
  };
}
