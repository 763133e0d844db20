import { BYTE_ALPHABET } from "../../src/tokenizer/byte-alphabet.ts";
import { QWEN_PATTERN } from "../../src/tokenizer/word-scanner.ts";

export interface ToyOptions {
  /** Pairs of tokens of the byte alphabet. */
  readonly merges?: readonly (readonly [string, string])[];
  /** Their ids follow the vocabulary's, unless it has them. */
  readonly addedTokens?: readonly { readonly content: string }[];
  /** Top-level fields to put in place of the usual ones. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly model?: Readonly<Record<string, unknown>>;
}

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };

export interface ToyJson extends Record<string, unknown> {
  model: Record<string, unknown> & { vocab: Record<string, number> };
}

/** A small tokenizer.json of Qwen's kind: the 256 bytes, and one token per merge. */
export function toyJson({ merges = [], addedTokens = [], fields = {}, model = {} }: ToyOptions = {}): ToyJson {
  const vocab: Record<string, number> = {};
  const add = (token: string): void => {
    vocab[token] ??= Object.keys(vocab).length;
  };
  for (const letter of BYTE_ALPHABET) add(letter);
  for (const [left, right] of merges) add(left + right);
  let nextId = Object.keys(vocab).length;
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens.map((token) => Object.assign({ id: vocab[token.content] ?? nextId++ }, ADDED, token)),
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: QWEN_PATTERN }, behavior: "Isolated", invert: false },
        BYTE_LEVEL,
      ],
    },
    post_processor: BYTE_LEVEL,
    decoder: BYTE_LEVEL,
    ...fields,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: [...merges],
      ...model,
    },
  };
}

const ADDED = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
