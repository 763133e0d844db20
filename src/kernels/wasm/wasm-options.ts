import { Qwen3Error } from "../../core/errors.ts";
import type { SimdLevel } from "./features.ts";
import type { KernelOverrides } from "./modules.ts";

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

/** More threads than any machine has are a slip of the finger. */
const MAX_THREADS = 512;

export function checkThreads(threads: number): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads;
  throw new Qwen3Error("invalid-argument", `threads ${threads}; expected a whole number from 1 to ${MAX_THREADS}`);
}
