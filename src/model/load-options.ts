import type { Backend, BackendKind } from "../kernels/backend.ts";
import type { OnProgress } from "./progress.ts";

/** How a model is found, where it runs and how its weights are kept. */
export interface LoadOptions {
  /** `auto`: a hardware WebGPU adapter if there is one, else the CPU. Software adapters only by name. @default "auto" */
  readonly device?: "auto" | BackendKind | undefined;
  /** Part of the name of the GPU adapter to use, for machines with several. */
  readonly adapter?: string | undefined;
  /**
   * Whether a GPU's matrix products are timed when a model of new sizes is first loaded on it: about two seconds, once,
   * remembered in the user's cache folder. @default true, but on software adapters
   */
  readonly autotune?: boolean | undefined;
  /** Threads of the CPU backend. @default the physical cores available to this process */
  readonly threads?: number | undefined;
  /**
   * Lets the CPU backend use 256-bit operations where V8 can make them (Node 22 or newer on x64), by an experimental flag;
   * their results are checked against the plain kernels' first.
   *
   * @default whether the environment variable QWEN3_WASM_REVECTORIZE is 1
   */
  readonly revectorize?: boolean | undefined;
  /**
   * With `int8`, keep the rounded weights in the user's cache folder (~/.cache/qwen3-ts/int8), where the next load finds
   * them: as many bytes as the weights take in memory. What was changed since is rounded anew.
   *
   * @default unless the environment variable QWEN3_QUANTIZED_CACHE is 0
   */
  readonly quantizedCache?: boolean | undefined;
  /** How weights are kept: `auto` as stored; `f32` and `bf16` convert while reading; `int8` quantises. @default "auto" */
  readonly dtype?: "auto" | "f32" | "bf16" | "int8" | undefined;
  /**
   * A LoRA adapter as PEFT writes it, folder or hub id, merged into the weights while they are read. A folder or hub id
   * with an adapter and no model can also be the source itself; its base model is then found by the adapter's config.
   */
  readonly lora?: string | undefined;
  /** A backend made by `createBackend`, instead of `device`, `adapter` and `threads`. The model disposes it. */
  readonly backend?: Backend | undefined;
  /** Most tokens computed at once; a longer text still runs, alone. @default by device */
  readonly maxBatchTokens?: number | undefined;
  /**
   * Whether a model that needs more memory than is free is refused before anything is allocated. `false` where the system
   * knows better, such as one with fast swap. @default true
   */
  readonly checkMemory?: boolean | undefined;
  /** Branch, tag or commit of the source, where that is a hub id. @default "main" */
  readonly revision?: string | undefined;
  /** The hub cache to look in. @default `HF_HUB_CACHE`, else `HF_HOME`/hub, else ~/.cache/huggingface/hub */
  readonly cacheDir?: string | undefined;
  /** Never fetch. @default false */
  readonly localFilesOnly?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}
