import { Qwen3Error } from "../core/errors.ts";
import type { Activation, KvCache, Matrix, Recording } from "../kernels/backend.ts";
import type { Qwen3Config } from "./config.ts";
import type { DecoderWeights } from "./decoder-weights.ts";
import type { DecoderObserver } from "./decoder-observer.ts";
import { decoderLayer, type LayerContext } from "./layer.ts";
import type { PackedBatch } from "./packed-batch.ts";
import { RotaryEmbedding } from "./rotary.ts";

export interface RunOptions {
  /** Which rows are wanted: every token's or each sequence's last. */
  readonly rows: "all" | "last";
  /** Where keys and values go and come from, if not the batch alone: `slots[t]` is row t's place. */
  readonly cache?: { readonly store: KvCache; readonly slots: Uint32Array };
  readonly observer?: DecoderObserver;
}

/** Embedding, layers and final norm over any backend. It records; whoever calls it reads. */
export class Decoder {
  readonly config: Qwen3Config;
  #weights: DecoderWeights;
  readonly #rotary: RotaryEmbedding;

  constructor(config: Qwen3Config, weights: DecoderWeights) {
    this.config = config;
    this.#weights = weights;
    this.#rotary = new RotaryEmbedding(config.headDim, config.ropeTheta);
  }

  /** Looks token ids up in another matrix of the same rows from now on. @returns the one used until now */
  replaceTable(embedTokens: Matrix): Matrix {
    const { embedTokens: replaced } = this.#weights;
    this.#weights = { ...this.#weights, embedTokens };
    return replaced;
  }

  /** @returns hidden states after the final norm: [T, hidden], or [N, hidden] for `rows: "last"` */
  run(ops: Recording, batch: PackedBatch, options: RunOptions): Activation {
    const { config } = this;
    const { observer } = options;
    checkTokens(batch.tokenIds, config.vocabSize);
    const rotary = this.#rotary.upTo(largest(batch.positions) + 1);
    let x = ops.embed(this.#weights.embedTokens, batch.tokenIds);
    observer?.embedded(x);
    for (const [n, layer] of this.#weights.layers.entries()) {
      const context: LayerContext = { positions: batch.positions, rotary, ...this.#visibility(batch, options, n) };
      const trace = decoderLayer(ops, x, layer, context);
      observer?.layer(n, { ops, trace, layer, context, config });
      x = trace.output;
    }
    const hidden = ops.rmsNorm(x, this.#weights.norm);
    observer?.normed(hidden);
    return hidden;
  }

  /** Only the last layer may leave rows out: the layers before it feed keys and values of every token to the next. */
  #visibility(batch: PackedBatch, { rows, cache }: RunOptions, n: number): Omit<LayerContext, "positions" | "rotary"> {
    const everyRowIsLast = batch.tokenIds.length === batch.lastTokenIndices.length;
    const prune = rows === "last" && !everyRowIsLast && n === this.config.numHiddenLayers - 1;
    return {
      segments: prune ? batch.lastSegments : batch.segments,
      ...(prune && { queryRows: batch.lastTokenIndices }),
      ...(cache && { cache: { ...cache, layer: n } }),
    };
  }
}

function checkTokens(ids: Uint32Array, vocabSize: number): void {
  const unknown = ids.find((id) => id >= vocabSize);
  if (unknown === undefined) return;
  const message = `token id ${unknown} at row ${ids.indexOf(unknown)}; the model's vocabulary ends at ${vocabSize - 1}`;
  throw new Qwen3Error("invalid-argument", message);
}

function largest(values: Uint32Array): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
