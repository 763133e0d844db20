import { Qwen3Error } from "../core/errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** The text around every pair, word for word as Qwen3-Reranker was trained. */
const PREFIX =
  "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided." +
  ' Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n';
const SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
const DEFAULT_INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query";

export interface PairOptions {
  /** What makes a document relevant, in one sentence. @default the one for web search */
  readonly instruction?: string | undefined;
  /** Most tokens of a pair, the prompt included; documents are cut at their end. @default 8192, or less if the model's limit is */
  readonly maxLength?: number | undefined;
}

/** Makes the token ids of pairs: prefix and suffix encoded alone, the body between them cut to what they leave. */
export class RerankPrompt {
  readonly #tokenizer: Tokenizer;
  readonly #prefix: Uint32Array;
  readonly #suffix: Uint32Array;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#prefix = tokenizer.encode(PREFIX, { addSpecialTokens: false }).ids;
    this.#suffix = tokenizer.encode(SUFFIX, { addSpecialTokens: false }).ids;
  }

  /** @throws Qwen3Error `invalid-argument` if `maxLength` has no room for the prompt */
  encode(query: string, document: string, options: PairOptions & { readonly maxLength: number }): Uint32Array {
    const { instruction = DEFAULT_INSTRUCTION, maxLength } = options;
    const around = this.#prefix.length + this.#suffix.length;
    if (maxLength < around) {
      const message = `maxLength is ${maxLength}; the prompt around a pair alone has ${around} tokens`;
      throw new Qwen3Error("invalid-argument", message);
    }
    const text = `<Instruct>: ${instruction}\n<Query>: ${query}\n<Document>: ${document}`;
    const body = this.#tokenizer.encode(text, { maxLength: maxLength - around, truncationSide: "right" }).ids;
    const ids = new Uint32Array(around + body.length);
    ids.set(this.#prefix);
    ids.set(body, this.#prefix.length);
    ids.set(this.#suffix, this.#prefix.length + body.length);
    return ids;
  }
}
