import { Qwen3Error } from "../../core/errors.ts";
import { availableCores } from "../../core/threads/cores.ts";
import { ThreadPool } from "../../core/threads/thread-pool.ts";
import type {
  Backend,
  DecoderShape,
  DeviceInfo,
  KvCacheSize,
  KvCacheUse,
  Matrix,
  MatrixSource,
  MatrixUse,
  MemoryUse,
  Recording,
} from "../backend.ts";
import { HostTable } from "../host-table.ts";
import { Bank } from "./bank.ts";
import { Banks } from "./banks.ts";
import { firstDifference } from "./compare-kernels.ts";
import type { TimedJob } from "./executor.ts";
import type { Heap } from "./heap.ts";
import { loadMatrix, panelBytes } from "./load-matrix.ts";
import { loadQuantized, quantizedBytes } from "./load-quantized.ts";
import type { Tuning } from "./product.ts";
import { Constant } from "./program.ts";
import type { QuantizedCache } from "./quantized-cache.ts";
import { WasmKvCache } from "./wasm-kv-cache.ts";
import { type WasmMatrix, WasmNorm } from "./wasm-objects.ts";
import { checkThreads, type WasmBackendOptions } from "./wasm-options.ts";
import { describeParts, openParts, tryRevectorized, type WasmParts } from "./wasm-parts.ts";
import { WasmRecording } from "./wasm-recording.ts";

/** The first memory, and threads over it. */
interface Place {
  readonly heap: Heap;
  readonly pool: ThreadPool;
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
  /** Then weights come one by one, and their failures are their own. */
  #prepared = false;
  #disposed = false;

  /** @throws Qwen3Error `device` if the engine lacks what the kernels need */
  static async create(options: WasmBackendOptions = {}): Promise<WasmBackend> {
    const threads = checkThreads(options.threads ?? availableCores());
    const parts = openParts(threads, options).then((plain) => {
      return tryRevectorized(plain, options, (a, b) => WasmBackend.#firstDifference(a, b));
    });
    parts.catch(() => {}); // thrown below, unless threads cannot even be started
    const place = WasmBackend.#startThreads(threads, parts);
    try {
      return new WasmBackend(await parts, place);
    } catch (error) {
      await place.pool.dispose();
      throw error;
    }
  }

  static #startThreads(threads: number, parts: Promise<WasmParts>): Place {
    const heap = Bank.newHeap();
    const modules = parts.then(({ kernels }) => kernels.modules);
    return { heap, pool: new ThreadPool({ threads, memory: heap.memory, modules }) };
  }

  static async #firstDifference(...both: readonly [WasmParts, WasmParts]): Promise<string | undefined> {
    const [a, b] = both.map((parts) => {
      const single = { ...parts, tuning: { ...parts.tuning, threads: 1 } };
      return new WasmBackend(single, WasmBackend.#startThreads(1, Promise.resolve(single)));
    });
    try {
      return await firstDifference(a as WasmBackend, b as WasmBackend);
    } finally {
      await Promise.all([a?.dispose(), b?.dispose()]);
    }
  }

  private constructor(parts: WasmParts, { heap, pool }: Place) {
    const { tuning, kernels, weights, weightsPerMemory, quantizedCache } = parts;
    this.#pool = pool;
    this.#banks = new Banks({ heap, pool, kernels: kernels.indexOf, weightBytes: weightsPerMemory });
    this.#tuning = tuning;
    this.#weights = weights;
    this.#quantizedCache = quantizedCache;
    this.device = describeParts(parts);
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
    if (this.#prepared) await done;
    else await this.#banks.load(done);
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
    this.#prepared = true;
    void this.#quantizedCache?.write();
  }

  createKvCache(size: KvCacheSize, use: KvCacheUse): WasmKvCache {
    this.#assertLive();
    const cache: WasmKvCache = new WasmKvCache({ ...size, use }, this.#banks, () => this.#caches.delete(cache));
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
    if (this.#prepared) await this.#quantizedCache?.write(); // what was loaded since
    else await this.#quantizedCache?.close(); // a load that failed leaves nothing
    this.#banks.dispose();
  }

  #assertLive(): void {
    if (this.#disposed) throw new Qwen3Error("disposed", "this wasm backend was disposed; create a new one");
  }
}
