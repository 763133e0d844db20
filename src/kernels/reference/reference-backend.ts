import { Qwen3Error } from "../../core/errors.ts";
import type {
  Backend,
  DecoderShape,
  DeviceInfo,
  KvCacheSize,
  Matrix,
  MatrixSource,
  MemoryUse,
  Recording,
} from "../backend.ts";
import { HostKvCache } from "./host-kv-cache.ts";
import { HostMatrix } from "./host-matrix.ts";
import type { HostNorm } from "./host-norm.ts";
import { type ReferenceKernels, referenceKernels } from "./kernels.ts";
import { ReferenceRecording } from "./reference-recording.ts";

/**
 * The definition of what every other backend computes: plain TypeScript in float32 with float64 sums, on one thread.
 * Slow and obviously correct.
 */
export class ReferenceBackend implements Backend {
  readonly kind = "reference";
  readonly device: DeviceInfo = {
    kind: "reference",
    description: "plain TypeScript, one thread",
    details: { node: process.version },
  };
  readonly #kernels: ReferenceKernels;
  readonly #caches = new Set<HostKvCache>();
  #weightBytes = 0;
  #disposed = false;

  /** @param kernels operations to replace */
  constructor(kernels: Partial<ReferenceKernels> = {}) {
    this.#kernels = { ...referenceKernels, ...kernels };
  }

  get memory(): MemoryUse {
    let cache = 0;
    for (const { byteLength } of this.#caches) cache += byteLength;
    return { weights: this.#weightBytes, activations: 0, cache };
  }

  async loadMatrix(source: MatrixSource): Promise<HostMatrix> {
    this.#assertLive();
    const matrix = await HostMatrix.read(source);
    this.#weightBytes += matrix.bytes.byteLength;
    return matrix;
  }

  freeTable(table: Matrix): void {
    if (table instanceof HostMatrix) this.#weightBytes -= table.bytes.byteLength;
  }

  loadNorm(name: string, weight: Float32Array, eps: number): HostNorm {
    this.#assertLive();
    this.#weightBytes += weight.byteLength;
    return { name, width: weight.length, eps, weight };
  }

  /** Nothing to compile. */
  async prepare(_shape: DecoderShape): Promise<void> {
    this.#assertLive();
  }

  /** Computes alike whatever the cache is for. */
  createKvCache(size: KvCacheSize): HostKvCache {
    this.#assertLive();
    const cache = new HostKvCache(size);
    this.#caches.add(cache);
    return cache;
  }

  record(): Recording {
    this.#assertLive();
    return new ReferenceRecording(this.#kernels);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const cache of this.#caches) cache.dispose();
    this.#caches.clear();
    this.#weightBytes = 0;
  }

  #assertLive(): void {
    if (this.#disposed) throw new Qwen3Error("disposed", "this reference backend was disposed; create a new one");
  }
}
