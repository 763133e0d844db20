/**
 * The contract between the decoder and whatever computes it. It speaks in the fused operations at which every backend
 * can be fast, and hides how weights and activations are stored. It is not a tensor library: there are no strides, no
 * broadcasting, no autograd, and no operation that Qwen3 does not need.
 *
 * Shape letters: T tokens of a packed batch, N sequences, H query heads, KV key/value heads, D head_dim.
 */
import type { WeightDType } from "../core/dtype.ts";

export type BackendKind = "reference" | "wasm" | "webgpu";

/** What runs, for people and logs. */
export interface DeviceInfo {
  readonly kind: BackendKind;
  /** One line: the adapter, or threads and SIMD level. */
  readonly description: string;
  /** Anything else worth showing, such as limits, features or versions. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** Bytes held by a backend. */
export interface MemoryUse {
  /** Weights as they are kept. */
  readonly weights: number;
  /** Activations, uploads and readback buffers at their largest so far. */
  readonly activations: number;
  /** Key/value caches. */
  readonly cache: number;
}

/** The sizes that decide which kernels a model needs. */
export interface DecoderShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
}

/**
 * Where the rows of a matrix come from: one checkpoint tensor, or several stacked or interleaved. Backends read it in
 * chunks of rows straight into the memory where the weights will live, and may read it again (a lost GPU device).
 */
export interface MatrixSource {
  /** For labels and errors, e.g. `layers.0.self_attn.qkv_proj`. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: WeightDType;
  /** Names the values: equal only where they are. For what is kept of them between runs; absent where nobody knows. */
  readonly identity?: (() => Promise<string>) | undefined;
  /** Whether rows come as they lie in a file, so that reading many at once takes no memory besides. @default false */
  readonly asStored?: boolean;
  /** Of a matrix whose rows are those of two in turns: these two, for backends that interleave them as they lay them out. */
  readonly halves?: readonly [even: MatrixSource, odd: MatrixSource];
  /** Reads `count` rows of stored little-endian values, row-major and without gaps, into the start of `into`. */
  readRows(start: number, count: number, into: Uint8Array): Promise<void>;
}

/** What a matrix is for, so that a backend can choose where and how it is kept. */
export type MatrixUse = "product" | "table" | "product-and-table";

/** Weights `[rows, columns]`: a linear layer's `[out_features, in_features]`, or an embedding table `[vocab, hidden]`. */
export interface Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

/** An RMSNorm: its weight `[width]` and epsilon. */
export interface Norm {
  readonly name: string;
  readonly width: number;
  readonly eps: number;
}

/** A float32 `[rows, width]` on its way through the decoder. Valid within the recording that made it. */
export interface Activation {
  readonly rows: number;
  readonly width: number;
}

/**
 * cos and sin of `position · θ^(−2i/D)`, row-major `[positions, D/2]`. A backend may keep a device copy for as long as
 * the same object is passed.
 */
export interface RotaryTable {
  readonly positions: number;
  readonly halfDim: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Consecutive query rows that belong to one sequence, and the key rows they may see. Key rows are rows of this batch's
 * `k` and `v`, or cache slots when a cache is given. Query row `i` of the segment sees all of the prefix and the
 * segment's own keys up to and including `keyLength − queryLength + i`.
 */
export interface Segment {
  readonly queryStart: number;
  readonly queryLength: number;
  readonly keyStart: number;
  readonly keyLength: number;
  /** A range shared with other sequences and wholly visible; length 0 where there is none. */
  readonly prefixStart: number;
  readonly prefixLength: number;
}

export interface KvCacheSize {
  readonly layers: number;
  /** Tokens. */
  readonly slots: number;
  /** KV·D */
  readonly keyValueWidth: number;
}

/**
 * What a cache is for, so that a backend can choose how to compute over it: what several sequences of one call begin with
 * (`"prefix"`), whose results must be those of sequences without a cache; or sequences that grow by a token or many at a time
 * (`"growth"`), whose results must not depend on the pieces they grow by.
 */
export type KvCacheUse = "prefix" | "growth";

/** Keys and values of earlier tokens, for every layer: `slots` rows of `keyValueWidth` each. */
export interface KvCache extends KvCacheSize {
  /**
   * Copies slots of every layer from another cache, which is how a cache grows. Sees what earlier reads wrote, and is
   * seen by later ones.
   */
  copyFrom(source: KvCache, ranges: readonly SlotRange[]): void;
  dispose(): void;
}

/** `count` slots from `from` on, to go to `to` and after. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** The largest `k` of `topK`: beyond it whole rows are read, which costs one larger readback. */
export const TOP_K_LIMIT = 64;

export interface QkvWeights {
  /** Rows q, k, v stacked: `[(H + 2·KV)·D, hidden]`. */
  readonly qkvProj: Matrix;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  /** Width D, as kNorm's. */
  readonly qNorm: Norm;
  readonly kNorm: Norm;
}

export interface QkvOptions {
  /** Position of every row of `x`. [T] */
  readonly positions: Uint32Array;
  readonly rotary: RotaryTable;
  /** Rows whose queries are wanted; all of them if absent. Keys and values are always computed for all rows. */
  readonly queryRows?: Uint32Array;
  /** `false` leaves q and k as the head norms return them (for capturing). @default true */
  readonly rotate?: boolean;
}

export interface AttentionOptions {
  readonly headDim: number;
  readonly segments: readonly Segment[];
  /** Writes row t of `k` and `v` to `slots[t]` first; segments' key ranges are then cache slots. */
  readonly cache?: { readonly store: KvCache; readonly layer: number; readonly slots: Uint32Array };
}

/**
 * The operations. Calling one records it; nothing need have been computed before `read`. Host arrays passed in must not
 * change until then, and are recognised by identity, so passing the same array again costs no second upload.
 */
export interface Ops {
  /** Rows of the embedding table, widened. ids [T] → [T, hidden] */
  embed(table: Matrix, ids: Uint32Array): Activation;
  /** x · rsqrt(mean(x²) + eps) · weight, per row. [T, width] → [T, width] */
  rmsNorm(x: Activation, norm: Norm): Activation;
  /** Projection, per-head RMSNorm of q and k, RoPE (rotate-half). [T, hidden] → q [T or queryRows, H·D], k, v [T, KV·D] */
  qkv(x: Activation, weights: QkvWeights, options: QkvOptions): QkvResult;
  /** Causal grouped-query softmax attention, scores · D^-½. [Q, H·D], [K, KV·D], [K, KV·D] → [Q, H·D] */
  attention(qkv: QkvResult, options: AttentionOptions): Activation;
  /** x · Wᵀ (+ residual). [T, columns] → [T, rows] */
  linear(x: Activation, weight: Matrix, options?: { readonly residual?: Activation }): Activation;
  /** silu(gate) · up, where row 2i of the weight is gate i and row 2i+1 is up i. [T, hidden] → [T, intermediate] */
  gateUp(x: Activation, weight: Matrix): Activation;
  /** [T, width] → [rows.length, width] */
  gatherRows(x: Activation, rows: Uint32Array): Activation;
  /** The first `dimensions` columns, divided by their L2 norm (at least 1e-12). [T, width] → [T, dimensions] */
  normalize(x: Activation, dimensions: number): Activation;
  /**
   * The k largest values of each row, largest first (of equal ones the lower column first), their columns, and
   * log Σ exp of the whole row. Columns are exact in float32 below 2²⁴. k ≤ TOP_K_LIMIT, width. [T, width] → [T, 2·k + 1]
   */
  topK(x: Activation, k: number): Activation;
}

export interface QkvResult {
  readonly q: Activation;
  readonly k: Activation;
  readonly v: Activation;
}

/** A list of operations being recorded. `read` ends it. */
export interface Recording extends Ops {
  /** Runs everything recorded and returns the rows of each activation asked for. Reads of one backend run in order. */
  read(...activations: readonly Activation[]): Promise<Float32Array[]>;
}

export interface Backend {
  readonly kind: BackendKind;
  readonly device: DeviceInfo;
  readonly memory: MemoryUse;
  loadMatrix(source: MatrixSource, use: MatrixUse): Promise<Matrix>;
  /** Gives back a matrix that was loaded as a `"table"`; what is recorded from now on must not use it. */
  freeTable(table: Matrix): void;
  /** @param weight float32 [width] */
  loadNorm(name: string, weight: Float32Array, eps: number): Norm;
  /** Called once after the weights: compile, tune and check whatever this shape needs. */
  prepare(shape: DecoderShape): Promise<void>;
  createKvCache(size: KvCacheSize, use: KvCacheUse): KvCache;
  record(): Recording;
  /** Frees everything; a second call does nothing. */
  dispose(): Promise<void>;
}
