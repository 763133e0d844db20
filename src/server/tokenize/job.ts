import { RerankPrompt } from "../../model/rerank-prompt.ts";
import type { Encoding, Tokenizer } from "../../tokenizer/index.ts";

/** A text to ids; or, with a query, a pair as the reranker reads it. Plain data, for any thread. */
export interface TokenizeJob {
  readonly text: string;
  readonly pair?: { readonly query: string; readonly instruction: string | undefined };
  /** @default true */
  readonly addSpecialTokens?: boolean;
  /** Most ids, special tokens included. @default no limit */
  readonly maxLength?: number;
  /** @default "right" */
  readonly truncationSide?: "left" | "right";
  readonly offsets?: boolean;
}

/** Characters of what a job reads, to tell long ones from short ones. */
export function jobLength({ text, pair }: TokenizeJob): number {
  return text.length + (pair ? pair.query.length + (pair.instruction?.length ?? 0) : 0);
}

/** Does jobs on the thread it is on. */
export class JobRunner {
  readonly #tokenizer: Tokenizer;
  #prompt: RerankPrompt | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  run({ text, pair, ...options }: TokenizeJob): Encoding {
    if (!pair) return this.#tokenizer.encode(text, options);
    this.#prompt ??= new RerankPrompt(this.#tokenizer);
    const { instruction } = pair;
    const { maxLength = Number.MAX_SAFE_INTEGER } = options;
    return { ids: this.#prompt.encode(pair.query, text, { instruction, maxLength }) };
  }
}
