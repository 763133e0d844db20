import { Qwen3Error } from "../core/errors.ts";
import type { BackendKind } from "../kernels/backend.ts";
import { type BackendOptions, createBackend } from "../kernels/create-backend.ts";
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

export interface CompareOptions extends Omit<LoadOptions, "device" | "backend"> {
  /** Relative error from which two backends count as parted. @default 1e-3 */
  readonly tolerance?: number | undefined;
}

/**
 * Runs the same texts on several backends and compares what each layer computes.
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
  await using expected = await loadOn(reference, source, options);
  const agreements: BackendAgreement[] = [];
  for (const backend of others) {
    await using actual = await loadOn(backend, source, options);
    const modules = await compareModules(expected, actual, texts);
    const tolerance = options.tolerance ?? 1e-3;
    const firstDivergence = modules.find(({ relativeError }) => !(relativeError <= tolerance))?.path;
    const { kind, description } = actual.device;
    agreements.push({ reference: expected.device.kind, backend: kind, device: description, modules, firstDivergence });
  }
  return agreements;
}

async function loadOn(
  backend: BackendKind | BackendOptions,
  source: string | undefined,
  options: CompareOptions,
): Promise<EmbeddingModel> {
  if (typeof backend === "string") return await EmbeddingModel.load(source, { ...options, device: backend });
  return await EmbeddingModel.load(source, { ...options, backend: await createBackend(backend) });
}

/** Captured activations held at once, per model. Beyond it, texts are run again for the next modules. */
const CAPTURE_BYTES = 2 ** 28;

async function compareModules(
  expected: EmbeddingModel,
  actual: EmbeddingModel,
  texts: readonly string[],
): Promise<ModuleAgreement[]> {
  const { numHiddenLayers, hiddenSize } = expected.config;
  const paths = ["embed_tokens", ...Array.from({ length: numHiddenLayers }, (_, n) => `layers.${n}`), "norm"];
  const differences = new Map(paths.map((path) => [path, new Difference()]));
  for (const text of texts) {
    const { ids } = expected.tokenizer.encode(text);
    const pathsAtOnce = Math.max(
      1,
      Math.floor(CAPTURE_BYTES / (ids.length * hiddenSize * Float32Array.BYTES_PER_ELEMENT)),
    );
    for (let start = 0; start < paths.length; start += pathsAtOnce) {
      const capture = paths.slice(start, start + pathsAtOnce);
      const [a, b] = await Promise.all([expected.forward(ids, { capture }), actual.forward(ids, { capture })]);
      for (const path of capture) differences.get(path)?.add(a.captured.get(path), b.captured.get(path));
    }
  }
  return [...differences].map(([path, difference]) => difference.agreement(path));
}

/** The worst seen so far of one module. */
class Difference {
  #maxAbsError = 0;
  #largest = 0;
  #minCosine = 1;

  add(expected: Tensor | undefined, actual: Tensor | undefined): void {
    const width = expected?.shape.at(-1) ?? 1;
    const [a, b] = [expected?.data ?? new Float32Array(), actual?.data ?? new Float32Array()];
    for (let start = 0; start < a.length; start += width) {
      this.#addRow(a.subarray(start, start + width), b.subarray(start, start + width));
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
