import { Qwen3Error } from "../core/errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

export interface TextIdsOptions {
  /** Put before every text. */
  readonly prefix: string;
  readonly maxLength: number;
  readonly truncate: "end" | "start" | false;
}

/** A text's token ids, as the model reads them: prompt, content, and whatever the tokenizer appends. */
export function textIds(tokenizer: Tokenizer, text: string, index: number, options: TextIdsOptions): Uint32Array {
  const { prefix, maxLength, truncate } = options;
  const truncation =
    truncate === false ? {} : ({ maxLength, truncationSide: truncate === "end" ? "right" : "left" } as const);
  const { ids } = tokenizer.encode(prefix + text, truncation);
  if (ids.length > maxLength) {
    const message = `texts[${index}] has ${ids.length} tokens and maxLength is ${maxLength}; shorten it, or let truncate be "end" or "start"`;
    throw new Qwen3Error("too-large", message);
  }
  if (ids.length === 0) {
    const message = `texts[${index}] has no tokens: this tokenizer appends no end token to an empty text; leave it out`;
    throw new Qwen3Error("invalid-argument", message);
  }
  return ids;
}
