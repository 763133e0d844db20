import type { DeviceInfo } from "../kernels/backend.ts";
import type { Tensor } from "../model/tensor.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** What every served model tells about itself. */
interface ServedModel {
  /** Folder name or hub id. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly device: DeviceInfo;
  readonly config: { readonly vocabSize: number };
  /** Most tokens of a text. */
  readonly maxLength: number;
  readonly maxBatchTokens: number;
}

/** What the server needs of an `EmbeddingModel`. */
export interface Embedder extends ServedModel {
  readonly dimensions: number;
  readonly pooling: "lasttoken" | "mean";
  readonly prompts: ReadonlyMap<string, string>;
  encodeIds(sequences: readonly Uint32Array[], options: { readonly normalize: boolean }): Promise<Float32Array[]>;
  tokenEmbeddings(sequences: readonly Uint32Array[]): Promise<Tensor[]>;
}

/** What the server needs of a `RerankerModel`. */
export interface Scorer extends ServedModel {
  /** The logit of yes minus that of no for pairs that `encodePair` made, computed together. */
  logits(sequences: readonly Uint32Array[], queries: readonly string[]): Promise<ArrayLike<number>>;
}

/** One of them, or both. */
export interface Models {
  readonly embedding?: Embedder | undefined;
  readonly reranker?: Scorer | undefined;
}
