import { Qwen3Error } from "../core/errors.ts";
import type { Backend, DeviceInfo, MemoryUse } from "../kernels/backend.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { Capture } from "./capture.ts";
import type { Qwen3Config } from "./config.ts";
import type { Decoder } from "./decoder.ts";
import type { Head } from "./head.ts";
import { packBatch } from "./packed-batch.ts";
import type { Tensor } from "./tensor.ts";

export interface ForwardOptions {
  /** transformers' module paths, e.g. `layers.0.self_attn.q_norm`. */
  readonly capture?: readonly string[] | undefined;
  /** Also multiply with lm_head (the embedding table where it is tied): for the last token, or for all. */
  readonly logits?: "last" | "all" | undefined;
}

export interface ForwardResult {
  /** After the final norm. [n, hidden] */
  readonly hidden: Tensor;
  /** [1, vocab] or [n, vocab] */
  readonly logits?: Tensor;
  /** By the paths asked for. */
  readonly captured: Map<string, Tensor>;
}

/** The parts of a loaded model. */
export interface ModelParts {
  /** Folder name or hub id. */
  readonly name: string;
  readonly config: Qwen3Config;
  readonly tokenizer: Tokenizer | undefined;
  readonly backend: Backend;
  readonly decoder: Decoder;
  readonly maxBatchTokens: number;
  /** Most tokens of a text. */
  readonly maxLength: number;
  /** What turns hidden states into logits; embedding models rarely need it. */
  readonly head: Head;
  readonly close: () => Promise<void>;
}

/** What embedding, reranking and generating models have in common. */
export abstract class Qwen3Model implements AsyncDisposable {
  readonly #about: Pick<ModelParts, "name" | "config" | "backend" | "maxBatchTokens">;
  #parts: ModelParts | undefined;
  #disposed: Promise<void> | undefined;

  protected constructor(parts: ModelParts) {
    const { name, config, backend, maxBatchTokens } = parts;
    this.#about = { name, config, backend, maxBatchTokens };
    this.#parts = parts;
  }

  /** The checkpoint's folder name or hub id. */
  get name(): string {
    return this.#about.name;
  }

  /** Most tokens that it computes at once. */
  get maxBatchTokens(): number {
    return this.#about.maxBatchTokens;
  }

  get config(): Qwen3Config {
    return this.#about.config;
  }

  /** What runs, on which adapter or how many threads. */
  get device(): DeviceInfo {
    return this.#about.backend.device;
  }

  /** Bytes held. */
  get memory(): MemoryUse {
    return this.#about.backend.memory;
  }

  /** @throws Qwen3Error `not-found` if the checkpoint has no tokenizer.json */
  get tokenizer(): Tokenizer {
    const { tokenizer, name } = this.parts;
    if (tokenizer) return tokenizer;
    const message = `${name} has no tokenizer.json, so texts cannot be read; put the model's tokenizer.json into its folder, or use forward(ids)`;
    throw new Qwen3Error("not-found", message);
  }

  /**
   * Runs one sequence and returns its final hidden states, and any intermediate asked for.
   *
   * @param ids token ids [n]
   * @throws Qwen3Error `not-found` for an unknown path, with the nearest ones
   */
  async forward(ids: Uint32Array | readonly number[], options: ForwardOptions = {}): Promise<ForwardResult> {
    const { decoder, backend, config } = this.parts;
    const batch = packBatch([checkIds(ids)]);
    const capture = new Capture(options.capture ?? [], config.numHiddenLayers);
    const head = options.logits && (await this.parts.head.whole());
    const ops = backend.record();
    const hidden = decoder.run(ops, batch, { rows: "all", observer: capture });
    const rows = options.logits === "last" ? ops.gatherRows(hidden, batch.lastTokenIndices) : hidden;
    const logits = head && ops.linear(rows, head);
    const [[hiddenData = new Float32Array(), logitData], captured] = await capture.read(
      ops,
      hidden,
      ...(logits ? [logits] : []),
    );
    return {
      hidden: { shape: [hidden.rows, hidden.width], data: hiddenData },
      ...(logits && logitData && { logits: { shape: [logits.rows, logits.width], data: logitData } }),
      captured,
    };
  }

  /** Frees the weights and the device. A second call does nothing; any other use afterwards is an error. */
  async dispose(): Promise<void> {
    this.#disposed ??= this.#parts?.close();
    this.#parts = undefined; // tables are in the host's memory, and go when nothing refers to them
    await this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The parts, as long as they live. */
  protected get parts(): ModelParts {
    if (!this.#parts) throw new Qwen3Error("disposed", `${this.name} was disposed; load it again`);
    return this.#parts;
  }
}

function checkIds(ids: Uint32Array | readonly number[]): Uint32Array {
  if (ids instanceof Uint32Array) return ids;
  const wrong = ids.findIndex((id) => !Number.isInteger(id) || id < 0);
  if (wrong < 0) return Uint32Array.from(ids);
  throw new Qwen3Error(
    "invalid-argument",
    `ids[${wrong}] is ${ids[wrong]}; expected a token id (a whole number from 0)`,
  );
}
