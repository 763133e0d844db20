import { Qwen3Error } from "../../core/errors.ts";
import { availableCores } from "../../core/threads/cores.ts";
import { ThreadPool } from "../../core/threads/thread-pool.ts";
import { WebAssembly } from "../../core/webassembly.ts";
import type { Backend, DecoderShape, DeviceInfo, MatrixSource, MatrixUse, MemoryUse, Recording } from "../backend.ts";
import { firstDifference } from "./compare-kernels.ts";
import { detectDotProduct, EXACT_DOT_PRODUCT } from "./dot-product.ts";
import { Executor, type TimedJob } from "./executor.ts";
import { detectSimd, type SimdLevel } from "./features.ts";
import { Heap } from "./heap.ts";
import { loadMatrix } from "./load-matrix.ts";
import { loadQuantized } from "./load-quantized.ts";
import { compileKernels, type KernelOverrides, type KernelTable } from "./modules.ts";
import type { Tuning } from "./product.ts";
import { canRevectorize, compileRevectorized } from "./revectorize.ts";
import { WasmKvCache } from "./wasm-kv-cache.ts";
import { type WasmMatrix, WasmNorm } from "./wasm-objects.ts";
import { WasmRecording } from "./wasm-recording.ts";

export interface WasmBackendOptions {
  /** Worker threads. @default the physical cores this process may use */
  readonly threads?: number;
  /**
   * How matrices that only products read are kept: as stored, or rounded to eight bits while they are loaded. Tables of
   * embeddings stay as stored. @default "stored"
   */
  readonly weights?: "stored" | "int8";
  /** Kernel modules to run in place of built-in ones, by name. */
  readonly kernels?: KernelOverrides;
  /** The best that this engine can run, or less. @default detected */
  readonly simd?: SimdLevel;
  /**
   * Has V8 join pairs of 128-bit operations into 256-bit ones, by an experimental flag that holds only while these kernels
   * are compiled. Their results are compared with the plain kernels' first, to the bit; where they differ, or where the
   * engine has no such flag, a warning says so and the plain kernels run.
   *
   * @default whether the environment variable QWEN3_WASM_REVECTORIZE is 1
   */
  readonly revectorize?: boolean;
  /** Told about what works, but not as asked for. @default process.emitWarning */
  readonly onWarning?: (message: string) => void;
  /** Columns of a register tile; results are the same. @default 16 with `revectorize`, which they need to be faster, else 8 */
  readonly tileColumns?: 8 | 16;
}

/** Handwritten WebAssembly SIMD kernels on worker threads over one shared memory. */
export class WasmBackend implements Backend {
  readonly kind = "wasm";
  readonly device: DeviceInfo;
  readonly #heap: Heap;
  readonly #pool: ThreadPool;
  readonly #executor: Executor;
  readonly #tuning: Tuning;
  readonly #weights: "stored" | "int8";
  readonly #caches = new Set<WasmKvCache>();
  #weightBytes = 0;
  #disposed = false;

  /** @throws Qwen3Error `device` if the engine lacks what the kernels need */
  static async create(options: WasmBackendOptions = {}): Promise<WasmBackend> {
    const level = options.simd ?? detectSimd();
    if (!level) {
      throw new Qwen3Error("device", 'this JavaScript engine has no WebAssembly SIMD; use device "reference"');
    }
    const threads = checkThreads(options.threads ?? availableCores());
    const weights = options.weights ?? "stored";
    const dotProduct = weights === "int8" ? await detectDotProduct(level) : EXACT_DOT_PRODUCT;
    const tileColumns = options.tileColumns ?? 8;
    const tuning = { threads, panelRows: PANEL_ROWS[level], tileColumns, dotProduct };
    const kernels = await compileKernels(level, options.kernels ?? {});
    const parts = { level, kernels, tuning, weights, revectorized: false };
    const { revectorize = process.env["QWEN3_WASM_REVECTORIZE"] === "1" } = options;
    return new WasmBackend(revectorize ? await WasmBackend.#revectorize(parts, options) : parts);
  }

  /** The same with faster kernels, if the engine can make them and they compute the same. */
  static async #revectorize(plain: Parts, options: WasmBackendOptions): Promise<Parts> {
    const { kernels = {}, tileColumns = 16, onWarning } = options;
    const warn = onWarning ?? ((message: string): void => process.emitWarning(message));
    if (!canRevectorize()) {
      warn("revectorize: this engine cannot join 128-bit operations into 256-bit ones; running the plain kernels");
      return plain;
    }
    const fast = {
      ...plain,
      tuning: { ...plain.tuning, tileColumns },
      kernels: await compileKernels(plain.level, kernels, compileRevectorized),
      revectorized: true,
    };
    const [a, b] = [plain, fast].map((parts) => new WasmBackend({ ...parts, tuning: { ...parts.tuning, threads: 1 } }));
    try {
      const different = await firstDifference(a as WasmBackend, b as WasmBackend);
      if (different === undefined) return fast;
      warn(`revectorize: ${different}: other results than by the plain kernels; running those`);
      return plain;
    } finally {
      await Promise.all([a?.dispose(), b?.dispose()]);
    }
  }

  private constructor({ level, kernels, tuning, weights, revectorized }: Parts) {
    const { threads, dotProduct } = tuning;
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536, shared: true });
    this.#heap = new Heap(memory);
    this.#pool = new ThreadPool({ threads, memory, modules: kernels.modules });
    this.#executor = new Executor(this.#heap, this.#pool, kernels.indexOf);
    this.#tuning = tuning;
    this.#weights = weights;
    this.device = {
      kind: "wasm",
      description: `WebAssembly ${SIMD_NAMES[level]}${revectorized ? ", revectorized" : ""}, ${threads} thread${threads === 1 ? "" : "s"}`,
      details: {
        threads,
        simd: level,
        revectorized,
        weights,
        ...(weights === "int8" && { products: dotProduct.suffix === "I8" ? "8-bit" : "16-bit" }),
        node: process.version,
        v8: process.versions.v8,
      },
    };
  }

  get memory(): MemoryUse {
    let cache = 0;
    for (const { byteLength } of this.#caches) cache += byteLength;
    return { weights: this.#weightBytes, activations: this.#executor.arenaBytes, cache };
  }

  async loadMatrix(source: MatrixSource, use: MatrixUse): Promise<WasmMatrix> {
    this.#assertLive();
    const quantize = this.#weights === "int8" && use === "product";
    const matrix = quantize
      ? await loadQuantized(this.#heap, this.#executor, this.#tuning.dotProduct, source)
      : await loadMatrix(this.#heap, this.#executor, source, use);
    this.#weightBytes += matrix.byteLength;
    return matrix;
  }

  loadNorm(name: string, weight: Float32Array, eps: number): WasmNorm {
    this.#assertLive();
    const address = this.#heap.allocate(weight.byteLength, name);
    this.#heap
      .bytesAt(address, weight.byteLength)
      .set(new Uint8Array(weight.buffer, weight.byteOffset, weight.byteLength));
    this.#weightBytes += weight.byteLength;
    return new WasmNorm({ name, width: weight.length, eps, address });
  }

  /** The kernels are compiled when the backend is made; V8 optimises them while they run. */
  async prepare(_shape: DecoderShape): Promise<void> {
    this.#assertLive();
  }

  createKvCache(layers: number, slots: number, keyValueWidth: number): WasmKvCache {
    this.#assertLive();
    const sizes = { layers, slots, keyValueWidth };
    const cache: WasmKvCache = new WasmKvCache(sizes, this.#heap, this.#executor, () => this.#caches.delete(cache));
    this.#caches.add(cache);
    return cache;
  }

  record(): Recording {
    this.#assertLive();
    return new WasmRecording(this.#executor, this.#tuning);
  }

  /** Every job that the reads within `work` run, and how long it took. */
  async profile(work: () => Promise<unknown>): Promise<TimedJob[]> {
    const profile: TimedJob[] = [];
    this.#executor.profile = profile;
    try {
      await work();
      return profile;
    } finally {
      this.#executor.profile = undefined;
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#caches.clear();
    this.#weightBytes = 0;
    await this.#pool.dispose();
  }

  #assertLive(): void {
    if (this.#disposed) throw new Qwen3Error("disposed", "this wasm backend was disposed; create a new one");
  }
}

interface Parts {
  readonly level: SimdLevel;
  readonly kernels: KernelTable;
  readonly tuning: Tuning;
  readonly weights: "stored" | "int8";
  readonly revectorized: boolean;
}

/** Rows of the register tile, by measurement: with separate multiply and add, six rows need more registers than x64 has. */
const PANEL_ROWS = { simd: 4, relaxed: 6 } as const satisfies Record<SimdLevel, number>;

const SIMD_NAMES = { simd: "SIMD", relaxed: "relaxed SIMD" } as const satisfies Record<SimdLevel, string>;

/** More threads than any machine has are a slip of the finger. */
const MAX_THREADS = 512;

function checkThreads(threads: number): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads;
  throw new Qwen3Error("invalid-argument", `threads ${threads}; expected a whole number from 1 to ${MAX_THREADS}`);
}
