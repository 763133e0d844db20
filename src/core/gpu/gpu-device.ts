import { Qwen3Error } from "../errors.ts";
import {
  type AdapterOptions,
  type AdapterSummary,
  chooseAdapter,
  type ChosenAdapter,
  GPU_FEATURES,
  type GpuFeature,
} from "./adapter.ts";
import { DawnPolling } from "./dawn-polling.ts";
import { GpuBuffer, type MemoryPool } from "./gpu-buffer.ts";
import { checkLimits, type GpuLimits, requiredLimits, usableLimits } from "./limits.ts";
import { type SubgroupMatrix, subgroupMatrixOf } from "./subgroup-matrix.ts";

export interface GpuDeviceOptions extends AdapterOptions {
  /** Smaller limits to plan with than the adapter offers; a test's way to make everything split. */
  readonly limits?: Partial<GpuLimits>;
  /** Optional features to leave alone even where they are offered. */
  readonly withoutFeatures?: readonly GpuFeature[];
}

export interface BufferRequest {
  readonly label: string;
  /** Bytes; rounded up to a multiple of 4. */
  readonly size: number;
  readonly usage: number;
  readonly pool: MemoryPool;
  /** Starts mapped, to be filled and then unmapped. @default false */
  readonly mapped?: boolean;
}

const SUBGROUP_MATRIX = "chromium-experimental-subgroup-matrix" satisfies GpuFeature;

/** A device with every limit and feature that we can use, which knows what it holds and whether it still lives. */
export class GpuDevice {
  readonly raw: GPUDevice;
  readonly adapter: AdapterSummary;
  readonly features: ReadonlySet<GpuFeature>;
  readonly limits: GpuLimits;
  /** Threads that run in step, where shaders may use that and it is the same in all of them. */
  readonly subgroupSize: number | undefined;
  /** What subgroups multiply at once, where shaders may use that. */
  readonly subgroupMatrix: SubgroupMatrix | undefined;
  /** Bytes allocated now, by what they are for. */
  readonly allocated: Record<MemoryPool, number> = { weights: 0, activations: 0, cache: 0 };
  /** Dawn's instance; kept because its devices die with it. */
  readonly instance: GPU;
  readonly #polling: DawnPolling;
  #lostBecause: string | undefined;
  #failure: GPUError | undefined;
  #nextBufferId = 0;

  private constructor({ gpu, adapter, summary }: ChosenAdapter, raw: GPUDevice, options: GpuDeviceOptions) {
    this.instance = gpu;
    this.raw = raw;
    this.adapter = summary;
    this.#polling = new DawnPolling(summary);
    this.features = new Set(GPU_FEATURES.filter((feature) => raw.features.has(feature)));
    this.limits = usableLimits(raw.limits, options.limits);
    const { subgroupMinSize, subgroupMaxSize } = raw.adapterInfo;
    const fixed = subgroupMinSize === subgroupMaxSize && this.features.has("subgroups");
    this.subgroupSize = fixed ? subgroupMaxSize : undefined;
    const multiplies = this.features.has(SUBGROUP_MATRIX) && this.features.has("shader-f16");
    this.subgroupMatrix = multiplies ? subgroupMatrixOf(adapter.info) : undefined; // the device's own info lacks it
    void raw.lost.then(({ reason, message }) => (this.#lostBecause = message || reason));
    raw.addEventListener("uncapturederror", (event) => (this.#failure ??= event.error));
  }

  /** @throws Qwen3Error `device` if there is no such adapter, or it is too small or refuses */
  static async open(options: GpuDeviceOptions = {}): Promise<GpuDevice> {
    const chosen = await chooseAdapter(options);
    const { adapter, summary } = chosen;
    checkLimits(adapter, summary.name);
    const left = new Set<GpuFeature>(options.withoutFeatures);
    if (left.has("subgroups")) left.add(SUBGROUP_MATRIX); // which would bring them back
    const wanted = GPU_FEATURES.filter((feature) => !left.has(feature));
    try {
      const raw = await adapter.requestDevice({
        label: "qwen3",
        requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
        requiredLimits: requiredLimits(adapter),
      });
      return new GpuDevice(chosen, raw, options);
    } catch (cause) {
      const advice = "is its driver current, and is another program using all its memory?";
      throw new Qwen3Error("device", `the adapter '${summary.name}' gave no device: ${String(cause)}; ${advice}`, {
        cause,
      });
    }
  }

  /** Why the device is gone; `undefined` while it lives. */
  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  createBuffer({ label, size, usage, pool, mapped = false }: BufferRequest): GpuBuffer {
    const bytes = Math.max(4, Math.ceil(size / 4) * 4);
    if (bytes > this.limits.maxBufferSize) {
      throw new Qwen3Error(
        "too-large",
        `'${label}' needs a buffer of ${bytes} bytes, '${this.adapter.name}' allows ${this.limits.maxBufferSize}; ` +
          `lower maxBatchTokens, shorten the longest text, or choose another device`,
      );
    }
    try {
      const raw = this.raw.createBuffer({ label, size: bytes, usage, mappedAtCreation: mapped });
      return new GpuBuffer({ id: this.#nextBufferId++, raw, size: bytes, pool, allocated: this.allocated });
    } catch (cause) {
      throw this.outOfMemory(`'${label}' (${bytes} bytes)`, cause);
    }
  }

  /** Every call of the device's that returns a promise is made by this, so that Dawn does not keep a core busy until it is kept. */
  ask<T>(call: () => Promise<T>): Promise<T> {
    return this.#polling.ask(call);
  }

  /** Runs `work` and throws what the device reports about its commands, or about memory that ran out. */
  async guard<T>(what: string, work: () => T): Promise<T> {
    this.raw.pushErrorScope("out-of-memory");
    this.raw.pushErrorScope("validation");
    let scopes: Promise<(GPUError | null)[]>;
    let result: T;
    try {
      result = work();
    } finally {
      scopes = this.ask(() => Promise.all([this.raw.popErrorScope(), this.raw.popErrorScope()]));
      scopes.catch(() => {}); // a lost device answers with a rejection; whoever waits for its results sees that
    }
    const [invalid, exhausted] = await scopes;
    if (exhausted) throw this.outOfMemory(what, exhausted);
    const error = invalid ?? this.#failure;
    this.#failure = undefined; // reported once
    if (error) throw new Qwen3Error("device", `${what}: '${this.adapter.name}' reports: ${error.message}`);
    return result;
  }

  outOfMemory(what: string, cause: unknown): Qwen3Error {
    const held = this.allocated.weights + this.allocated.activations + this.allocated.cache;
    return new Qwen3Error(
      "too-large",
      `'${this.adapter.name}' has no memory for ${what}; ${held} bytes are held already; ` +
        `lower maxBatchTokens, or choose a smaller model or another device`,
      { cause },
    );
  }

  /** Gives everything back; the process can then exit. */
  dispose(): void {
    this.raw.destroy();
  }
}
