import { Qwen3Error } from "../core/errors.ts";
import type { BackendKind } from "../kernels/backend.ts";
import { type BackendOptions, createBackend } from "../kernels/create-backend.ts";
import { ActivationStore } from "./activation-store.ts";
import { EmbeddingModel } from "./embedding-model.ts";
import type { LoadOptions } from "./load-options.ts";
import type { Tensor } from "./tensor.ts";

/** How far one backend is from another at one module, over all texts. */
export interface ModuleAgreement {
  /** transformers' module path. */
  readonly path: string;
  readonly maxAbsError: number;
  /** maxAbsError as a share of the largest value. */
  readonly relativeError: number;
  /** The smallest cosine of any row. */
  readonly minCosine: number;
}

export interface BackendAgreement {
  /** The first backend of the list, which the others are compared with. */
  readonly reference: BackendKind;
  readonly backend: BackendKind;
  /** What runs: adapter or threads. */
  readonly device: string;
  /** Embedding, every layer, final norm, in the order of the computation. */
  readonly modules: readonly ModuleAgreement[];
  /** The first module whose relative error exceeds the tolerance. */
  readonly firstDivergence: string | undefined;
}

/** How models are loaded; `dtype: "int8"` is not for the reference, which then keeps weights as stored. */
export interface CompareOptions extends Omit<LoadOptions, "device" | "backend"> {
  /** Relative error from which two backends count as parted. @default 1e-3 */
  readonly tolerance?: number | undefined;
}

/**
 * Runs the same texts on several backends and compares what each layer computes. One model is loaded at a time, and the
 * first one's activations wait in a temporary file, so that the largest model that fits can be compared.
 *
 * @param source as for `EmbeddingModel.load`
 * @param backends at least two, each a kind or what `createBackend` takes; the first is the one the others are held
 * against
 */
export async function compareBackends(
  source: string | undefined,
  texts: readonly string[],
  backends: readonly (BackendKind | BackendOptions)[],
  options: CompareOptions = {},
): Promise<BackendAgreement[]> {
  const [reference, ...others] = backends;
  if (reference === undefined || others.length === 0) {
    throw new Qwen3Error("invalid-argument", `compareBackends got ${backends.length} backends; expected at least two`);
  }
  if (texts.length === 0)
    throw new Qwen3Error("invalid-argument", "compareBackends got no texts; expected at least one");
  await using store = await ActivationStore.create();
  const kind = await storeActivations(store, await loadOn(reference, source, options), texts);
  const agreements: BackendAgreement[] = [];
  for (const backend of others) {
    await using model = await loadOn(backend, source, options);
    const modules = await compareModules(store, model, texts);
    const tolerance = options.tolerance ?? 1e-3;
    const firstDivergence = modules.find(({ relativeError }) => !(relativeError <= tolerance))?.path;
    const { device } = model;
    agreements.push({ reference: kind, backend: device.kind, device: device.description, modules, firstDivergence });
  }
  return agreements;
}

async function loadOn(
  backend: BackendKind | BackendOptions,
  source: string | undefined,
  options: CompareOptions,
): Promise<EmbeddingModel> {
  if (backend === "reference" && options.dtype === "int8")
    return loadOn(backend, source, { ...options, dtype: "auto" });
  if (typeof backend === "string") return await EmbeddingModel.load(source, { ...options, device: backend });
  return await EmbeddingModel.load(source, { ...options, backend: await createBackend(backend) });
}

/** Runs the model to be held against, and disposes it. */
async function storeActivations(
  store: ActivationStore,
  loaded: EmbeddingModel,
  texts: readonly string[],
): Promise<BackendKind> {
  await using model = loaded;
  for await (const { key, tensor } of activations(model, texts)) await store.put(key, tensor.data);
  return model.device.kind;
}

async function compareModules(
  store: ActivationStore,
  model: EmbeddingModel,
  texts: readonly string[],
): Promise<ModuleAgreement[]> {
  const differences = new Map(modulePaths(model).map((path) => [path, new Difference()]));
  for await (const { key, path, tensor } of activations(model, texts)) {
    differences.get(path)?.add(await store.get(key), tensor);
  }
  return [...differences].map(([path, difference]) => difference.agreement(path));
}

/** Captured activations held at once. Beyond it, a text is run again for the next modules. */
const CAPTURE_BYTES = 2 ** 28;

interface CapturedActivation {
  readonly key: string;
  readonly path: string;
  readonly tensor: Tensor;
}

async function* activations(model: EmbeddingModel, texts: readonly string[]): AsyncGenerator<CapturedActivation> {
  const paths = modulePaths(model);
  for (const [i, text] of texts.entries()) {
    const { ids } = model.tokenizer.encode(text);
    const bytes = ids.length * model.config.hiddenSize * Float32Array.BYTES_PER_ELEMENT;
    const pathsAtOnce = Math.max(1, Math.floor(CAPTURE_BYTES / bytes));
    for (let start = 0; start < paths.length; start += pathsAtOnce) {
      const { captured } = await model.forward(ids, { capture: paths.slice(start, start + pathsAtOnce) });
      for (const [path, tensor] of captured) yield { key: `${i} ${path}`, path, tensor };
    }
  }
}

function modulePaths({ config }: EmbeddingModel): string[] {
  return ["embed_tokens", ...Array.from({ length: config.numHiddenLayers }, (_, n) => `layers.${n}`), "norm"];
}

/** The worst seen so far of one module. */
class Difference {
  #maxAbsError = 0;
  #largest = 0;
  #minCosine = 1;

  add(expected: Float32Array, { shape, data }: Tensor): void {
    const width = shape.at(-1) ?? 1;
    for (let start = 0; start < expected.length; start += width) {
      this.#addRow(expected.subarray(start, start + width), data.subarray(start, start + width));
    }
  }

  agreement(path: string): ModuleAgreement {
    const relativeError = this.#maxAbsError / Math.max(this.#largest, Number.MIN_VALUE);
    return { path, maxAbsError: this.#maxAbsError, relativeError, minCosine: this.#minCosine };
  }

  #addRow(a: Float32Array, b: Float32Array): void {
    let ab = 0;
    let aa = 0;
    let bb = 0;
    for (const [i, x] of a.entries()) {
      const y = b[i] ?? Number.NaN;
      this.#maxAbsError = Math.max(this.#maxAbsError, Math.abs(x - y)); // once NaN, always NaN
      this.#largest = Math.max(this.#largest, Math.abs(x));
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    this.#minCosine = Math.min(this.#minCosine, ab / Math.sqrt(Math.max(aa * bb, Number.MIN_VALUE)));
  }
}
