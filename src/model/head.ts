import type { Matrix } from "../kernels/backend.ts";
import { type Checkpoint, checkTensors } from "../weights/index.ts";
import type { Qwen3Config } from "./config.ts";
import type { WeightLoader } from "./decoder-weights.ts";
import { EMBED_TOKENS, LM_HEAD } from "./tensor-names.ts";
import { selectRows } from "./weight-source.ts";

export interface HeadOptions {
  readonly loader: WeightLoader;
  readonly checkpoint: Checkpoint;
  readonly config: Qwen3Config;
  /** The embedding table, if it was loaded so that it can be multiplied with. */
  readonly table?: Matrix;
  /** Otherwise takes over the tied table, loaded once more for both uses, so that it is not held twice. */
  readonly onTable?: (table: Matrix) => void;
}

/** What turns hidden states into logits: `lm_head`, or the embedding table where the two are tied. Loaded when first needed. */
export class Head {
  readonly #options: HeadOptions;
  #whole: Promise<Matrix> | undefined;

  constructor(options: HeadOptions) {
    this.#options = options;
  }

  /** One row per token. [vocab, hidden] */
  whole(): Promise<Matrix> {
    this.#whole ??= this.#loadWhole().catch((error: unknown) => {
      this.#whole = undefined; // may be asked for again
      throw error;
    });
    return this.#whole;
  }

  /** The rows of some tokens only. [ids.length, hidden] */
  async rows(name: string, ids: readonly number[]): Promise<Matrix> {
    const { loader } = this.#options;
    return await loader.matrix(selectRows(name, loader.source(this.#checkedTensor()), ids), "product");
  }

  /** Another matrix of the checkpoint that takes hidden states, such as a classifier's. */
  async other(tensor: string): Promise<Matrix> {
    const { loader } = this.#options;
    return await loader.matrix(loader.source(tensor), "product");
  }

  async #loadWhole(): Promise<Matrix> {
    const { loader, table, onTable } = this.#options;
    const name = this.#checkedTensor();
    if (name === LM_HEAD) return await loader.matrix(loader.source(name), "product");
    if (table) return table;
    const both = await loader.matrix(loader.source(name), "product-and-table");
    onTable?.(both);
    return both;
  }

  #checkedTensor(): string {
    const { checkpoint, config } = this.#options;
    const name = headTensor(checkpoint, config);
    checkTensors(checkpoint, new Map([[name, [config.vocabSize, config.hiddenSize]]]));
    return name;
  }
}

/** `lm_head.weight` if the file has it and it is not tied, else the embedding table. */
export function headTensor(checkpoint: Checkpoint, { tieWordEmbeddings }: Qwen3Config): string {
  return !tieWordEmbeddings && checkpoint.tensors.has(LM_HEAD) ? LM_HEAD : checkpoint.tensorPrefix + EMBED_TOKENS;
}
