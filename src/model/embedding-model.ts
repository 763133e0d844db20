import { type CheckedEncodeOptions, checkEncodeOptions, type EncodeOptions } from "./encode-options.ts";
import type { LoadOptions } from "./load-options.ts";
import { loadModel } from "./load-model.ts";
import { packBatch, planBatches } from "./packed-batch.ts";
import { finishVector, meanRows, type PoolingMode, splitRows } from "./pooling.ts";
import { resolvePrompt } from "./prompts.ts";
import { checkQuantization, type Precision, quantizeEmbeddings, type VectorOf } from "./quantize-embeddings.ts";
import { type ModelParts, Qwen3Model } from "./qwen3-model.ts";
import { readSentenceTransformersConfig, type SentenceTransformersConfig } from "./sentence-transformers-config.ts";
import { similarityMatrix } from "./similarity.ts";
import type { Tensor } from "./tensor.ts";
import { textIds } from "./text-ids.ts";
import { checkTexts, deduplicate } from "./text-list.ts";

/** Texts to vectors, with the answers that sentence-transformers gives for the same checkpoint. */
export class EmbeddingModel extends Qwen3Model {
  readonly #config: SentenceTransformersConfig;

  private constructor(parts: ModelParts, config: SentenceTransformersConfig) {
    super(parts);
    this.#config = config;
  }

  /**
   * @param source a checkpoint folder, or a hub id such as `Qwen/Qwen3-Embedding-0.6B`. @default the bundled tiny model,
   * a demonstration
   */
  static async load(source?: string, options: LoadOptions = {}): Promise<EmbeddingModel> {
    const { parts, extra } = await loadModel(source, options, {
      readExtra: ({ files, config }) => readSentenceTransformersConfig(files, config),
    });
    return new EmbeddingModel(parts, extra);
  }

  /** Width of a full vector. */
  get dimensions(): number {
    return this.#config.dense.at(-1)?.outFeatures ?? this.config.hiddenSize;
  }

  /** Most tokens of a text, prompt and end token included. */
  get maxLength(): number {
    return this.parts.maxLength;
  }

  /** How a text's hidden states become its vector. */
  get pooling(): PoolingMode {
    return this.#config.pooling;
  }

  /** The checkpoint's named prompts. */
  get prompts(): ReadonlyMap<string, string> {
    return this.#config.prompts;
  }

  /**
   * Vectors of texts, in the order given. A text's vector does not depend on the texts around it.
   *
   * @returns one vector for a string, a list for a list
   * @throws Qwen3Error `invalid-argument` naming the option or the text that cannot be used
   */
  encode<P extends Precision = "float32">(texts: string, options?: EncodeOptions<P>): Promise<VectorOf[P]>;
  encode<P extends Precision = "float32">(texts: readonly string[], options?: EncodeOptions<P>): Promise<VectorOf[P][]>;
  encode<P extends Precision = "float32">(
    texts: string | readonly string[],
    options?: EncodeOptions<P>,
  ): Promise<VectorOf[P] | VectorOf[P][]>;
  async encode<P extends Precision = "float32">(
    texts: string | readonly string[],
    options: EncodeOptions<P> = {},
  ): Promise<VectorOf[P] | VectorOf[P][]> {
    const list = typeof texts === "string" ? [texts] : texts;
    checkTexts(list);
    // "float32" is what P is when the option is absent; TypeScript cannot know that default here.
    const precision = (options.precision ?? "float32") as P;
    checkQuantization(list.length, precision, options);
    const vectors = await this.#encodeList(list, options);
    const quantized = quantizeEmbeddings(vectors, precision, options);
    const [only] = quantized;
    return typeof texts === "string" && only !== undefined ? only : quantized;
  }

  /** `encode` with the checkpoint's `query` prompt, unless another is given. */
  encodeQuery<P extends Precision = "float32">(texts: string, options?: EncodeOptions<P>): Promise<VectorOf[P]>;
  encodeQuery<P extends Precision = "float32">(
    texts: readonly string[],
    options?: EncodeOptions<P>,
  ): Promise<VectorOf[P][]>;
  encodeQuery<P extends Precision = "float32">(
    texts: string | readonly string[],
    options: EncodeOptions<P> = {},
  ): Promise<VectorOf[P] | VectorOf[P][]> {
    return this.encode(texts, this.#withPrompt(options, ["query"]));
  }

  /** `encode` with the checkpoint's `document` (else `passage`, `corpus`) prompt, unless another is given. */
  encodeDocument<P extends Precision = "float32">(texts: string, options?: EncodeOptions<P>): Promise<VectorOf[P]>;
  encodeDocument<P extends Precision = "float32">(
    texts: readonly string[],
    options?: EncodeOptions<P>,
  ): Promise<VectorOf[P][]>;
  encodeDocument<P extends Precision = "float32">(
    texts: string | readonly string[],
    options: EncodeOptions<P> = {},
  ): Promise<VectorOf[P] | VectorOf[P][]> {
    return this.encode(texts, this.#withPrompt(options, ["document", "passage", "corpus"]));
  }

  /** Every vector of `a` against every vector of `b`, by the checkpoint's similarity function (cosine). @returns [a.length][b.length] */
  similarity(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number[][] {
    return similarityMatrix(a, b, this.#config.similarityFunction);
  }

  /**
   * Vectors of texts that are ids already, computed as one batch: for callers that tokenise and make up batches
   * themselves, as a server does. `encode` computes the same.
   *
   * @param sequences ids as the tokenizer gives them, the end token included
   * @throws Qwen3Error `invalid-argument` for an empty sequence or an unknown id
   */
  async encodeIds(
    sequences: readonly Uint32Array[],
    { dimensions, normalize }: Pick<EncodeOptions, "dimensions" | "normalize"> = {},
  ): Promise<Float32Array[]> {
    return await this.#encodeBatch(sequences, this.#check({ dimensions, normalize }));
  }

  /**
   * Final hidden states of every token, not normalised, computed as one batch.
   *
   * @returns [n, hidden] for each sequence
   * @throws Qwen3Error as `encodeIds`
   */
  async tokenEmbeddings(sequences: readonly Uint32Array[]): Promise<Tensor[]> {
    const { backend, decoder } = this.parts;
    const ops = backend.record();
    const batch = packBatch(sequences);
    const hidden = decoder.run(ops, batch, { rows: "all" });
    const [data = new Float32Array()] = await ops.read(hidden);
    return sequences.map(({ length }, n) => {
      const start = (batch.cuSeqlens[n] ?? 0) * hidden.width;
      return { shape: [length, hidden.width], data: data.slice(start, start + length * hidden.width) };
    });
  }

  #check(options: EncodeOptions): CheckedEncodeOptions {
    const { maxLength, maxBatchTokens } = this.parts;
    return checkEncodeOptions(options, { dimensions: this.dimensions, maxLength, maxBatchTokens });
  }

  #withPrompt<P extends Precision>(options: EncodeOptions<P>, names: readonly string[]): EncodeOptions<P> {
    const { prompt, promptName, instruction } = options;
    if ([prompt, promptName, instruction].some((given) => given !== undefined)) return options;
    const known = names.find((name) => this.#config.prompts.has(name));
    return known === undefined ? options : { ...options, promptName: known };
  }

  async #encodeList(texts: readonly string[], options: EncodeOptions): Promise<Float32Array[]> {
    const { signal, onProgress } = options;
    const checked = this.#check(options);
    const prefix = resolvePrompt(options, this.#config);
    signal?.throwIfAborted();

    const { unique, places } = deduplicate(texts);
    const { tokenizer } = this;
    const sequences = unique.map(({ text, index }) => textIds(tokenizer, text, index, { prefix, ...checked }));
    const lengths = sequences.map(({ length }) => length);
    const vectors = Array.from(texts, () => new Float32Array());
    let completed = 0;
    for (const batch of planBatches(lengths, checked.maxBatchTokens)) {
      signal?.throwIfAborted();
      const batchSequences = batch.map((i) => sequences[i] ?? new Uint32Array());
      const results = await this.#encodeBatch(batchSequences, checked);
      for (const [n, vector] of results.entries()) {
        const same = places[batch[n] ?? 0] ?? [];
        for (const place of same) vectors[place] = vector.slice();
        completed += same.length;
      }
      onProgress?.({ stage: "encode", completed, total: texts.length, unit: "texts" });
    }
    return vectors;
  }

  async #encodeBatch(
    sequences: readonly Uint32Array[],
    options: Pick<CheckedEncodeOptions, "dimensions" | "normalize">,
  ): Promise<Float32Array[]> {
    const { backend, decoder } = this.parts;
    const { pooling, dense } = this.#config;
    const batch = packBatch(sequences);
    const ops = backend.record();
    const hidden = decoder.run(ops, batch, { rows: pooling === "mean" ? "all" : "last" });
    if (pooling === "lasttoken" && dense.length === 0 && options.normalize) {
      const [data = new Float32Array()] = await ops.read(ops.normalize(hidden, options.dimensions));
      return splitRows(data, options.dimensions);
    }
    const [data = new Float32Array()] = await ops.read(hidden);
    const pooled = pooling === "mean" ? meanRows(data, hidden.width, batch) : splitRows(data, hidden.width);
    return pooled.map((vector) => finishVector(vector, { dense, ...options }));
  }
}
