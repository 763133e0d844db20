import { Qwen3Error } from "../../core/errors.ts";
import { availableCores } from "../../core/threads/cores.ts";
import { ThreadPool } from "../../core/threads/thread-pool.ts";
import type {
  Backend,
  DecoderShape,
  DeviceInfo,
  Matrix,
  MatrixSource,
  MatrixUse,
  MemoryUse,
  Recording,
} from "../backend.ts";
import { HostTable } from "../host-table.ts";
import { WASM_WEIGHTS_PER_MEMORY } from "../kept-bytes.ts";
import { Bank } from "./bank.ts";
import { Banks } from "./banks.ts";
import { firstDifference } from "./compare-kernels.ts";
import { detectDotProduct, EXACT_DOT_PRODUCT } from "./dot-product.ts";
import type { TimedJob } from "./executor.ts";
import { detectSimd, type SimdLevel } from "./features.ts";
import { loadMatrix, panelBytes } from "./load-matrix.ts";
import { loadQuantized, quantizedBytes } from "./load-quantized.ts";
import { compileKernels, type KernelOverrides, type KernelTable } from "./modules.ts";
import type { Tuning } from "./product.ts";
import { Constant } from "./program.ts";
import { openQuantizedCache, type QuantizedCache } from "./quantized-cache.ts";
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
  /**
   * Bytes of weights in one WebAssembly memory, which reaches 4 GiB in all; more of them lie in further memories.
   *
   * @default 2.5 GiB, so that long texts have room
   */
  readonly weightsPerMemory?: number;
  /**
   * Keep eight-bit weights on disk, in the user's cache folder, so that the next load need not make them again. Only of
   * sources that say what their content is, as those of a checkpoint do.
   *
   * @default unless the environment variable QWEN3_QUANTIZED_CACHE is 0
   */
  readonly quantizedCache?: boolean;
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
  readonly #pool: ThreadPool;
  readonly #banks: Banks;
  readonly #tuning: Tuning;
  readonly #weights: "stored" | "int8";
  readonly #quantizedCache: QuantizedCache | undefined;
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
    const weightsPerMemory = options.weightsPerMemory ?? WASM_WEIGHTS_PER_MEMORY;
    const { quantizedCache: wanted = process.env["QWEN3_QUANTIZED_CACHE"] !== "0" } = options;
    const quantizedCache = weights === "int8" && wanted ? await openQuantizedCache(level, dotProduct) : undefined;
    const parts = { level, kernels, tuning, weights, weightsPerMemory, quantizedCache, revectorized: false };
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

  private constructor({ level, kernels, tuning, weights, weightsPerMemory, revectorized, quantizedCache }: Parts) {
    const { threads, dotProduct } = tuning;
    const heap = Bank.newHeap();
    const pool = new ThreadPool({ threads, memory: heap.memory, modules: kernels.modules });
    this.#pool = pool;
    this.#banks = new Banks({ heap, pool, kernels: kernels.indexOf, weightBytes: weightsPerMemory });
    this.#tuning = tuning;
    this.#weights = weights;
    this.#quantizedCache = quantizedCache;
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
    return { weights: this.#weightBytes, activations: this.#banks.arenaBytes, cache };
  }

  async loadMatrix(source: MatrixSource, use: MatrixUse): Promise<WasmMatrix | HostTable> {
    this.#assertLive();
    const matrix = use === "table" ? await HostTable.read(source) : await this.#load(source, use);
    this.#weightBytes += matrix.byteLength;
    return matrix;
  }

  async #load(source: MatrixSource, use: MatrixUse): Promise<WasmMatrix> {
    const { matrix, done } =
      this.#weights === "int8" && use === "product"
        ? await loadQuantized(
            {
              bank: this.#banks.forWeights(quantizedBytes(source)),
              dotProduct: this.#tuning.dotProduct,
              cache: this.#quantizedCache,
            },
            source,
          )
        : await loadMatrix(this.#banks.forWeights(panelBytes(source)), source);
    await this.#banks.load(done);
    return matrix;
  }

  freeTable(table: Matrix): void {
    if (table instanceof HostTable) this.#weightBytes -= table.byteLength;
  }

  loadNorm(name: string, weight: Float32Array, eps: number): WasmNorm {
    this.#assertLive();
    this.#weightBytes += weight.byteLength;
    return new WasmNorm({ name, width: weight.length, eps, address: new Constant(name, weight) });
  }

  /** The kernels are compiled when the backend is made; V8 optimises them while they run. */
  async prepare(_shape: DecoderShape): Promise<void> {
    this.#assertLive();
    await this.#banks.loaded();
    void this.#quantizedCache?.write();
  }

  createKvCache(layers: number, slots: number, keyValueWidth: number): WasmKvCache {
    this.#assertLive();
    const sizes = { layers, slots, keyValueWidth };
    const cache: WasmKvCache = new WasmKvCache(sizes, this.#banks, () => this.#caches.delete(cache));
    this.#caches.add(cache);
    return cache;
  }

  record(): Recording {
    this.#assertLive();
    return new WasmRecording(this.#banks, this.#tuning);
  }

  /** Every job that the reads within `work` run, and how long it took. */
  async profile(work: () => Promise<unknown>): Promise<TimedJob[]> {
    const profile: TimedJob[] = [];
    this.#banks.profile = profile;
    try {
      await work();
      return profile;
    } finally {
      this.#banks.profile = undefined;
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#caches.clear();
    this.#weightBytes = 0;
    await this.#pool.dispose();
    await this.#quantizedCache?.write();
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
  readonly weightsPerMemory: number;
  readonly revectorized: boolean;
  readonly quantizedCache: QuantizedCache | undefined;
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
