import type { AddedToken } from "./added-tokens.ts";
import { type Json, JsonCheck } from "./json-check.ts";
import { readPostProcessor, type Template } from "./post-processor.ts";
import { QWEN_PATTERN } from "./word-scanner.ts";

/** Everything of a tokenizer.json that this runtime uses but vocabulary and merges, checked. */
export interface TokenizerSpec {
  /** The file, for messages. */
  readonly source: string;
  /** A word that is a token is that token, whatever the merges say. */
  readonly ignoreMerges: boolean;
  readonly addedTokens: readonly AddedToken[];
  /** Texts are brought into NFC. */
  readonly normalize: boolean;
  readonly template: Template;
  readonly truncation: { readonly maxLength: number; readonly side: "left" | "right" } | undefined;
}

/**
 * Reads a parsed tokenizer.json, except vocabulary and merges.
 *
 * @throws Qwen3Error `unsupported` for any component that Qwen tokenizers do not have, `invalid-checkpoint` for a
 * malformed file; both name the component
 */
export function readTokenizerJson(json: unknown, source: string): TokenizerSpec {
  const check = new JsonCheck(source);
  const file = check.object(json, "the file");
  const ignoreMerges = readModel(file["model"], check);
  checkPreTokenizer(file["pre_tokenizer"], check);
  checkDecoder(file["decoder"], check);
  return {
    source,
    ignoreMerges,
    addedTokens: readAddedTokens(file["added_tokens"], check),
    normalize: readNormalizer(file["normalizer"], check),
    template: readPostProcessor(file["post_processor"], check),
    truncation: readTruncation(file["truncation"], check),
  };
}

/** Vocabulary and merges of a parsed tokenizer.json. @throws Qwen3Error `invalid-checkpoint` if they are not there */
export function modelParts(json: unknown, source: string): { vocab: Json; merges: readonly unknown[] } {
  const check = new JsonCheck(source);
  const { vocab, merges } = check.object(check.object(json, "the file")["model"], "model");
  return { vocab: check.object(vocab, "model.vocab"), merges: check.array(merges, "model.merges") };
}

/** Values that a model's fields must have; others would silently give other ids. */
const MODEL_FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  // Files written before the field existed have vocab and merges, which only BPE has together.
  type: ["BPE", undefined],
  dropout: [null, undefined, 0],
  unk_token: [null, undefined],
  continuing_subword_prefix: ["", null, undefined],
  end_of_word_suffix: ["", null, undefined],
  byte_fallback: [false, undefined],
};

/** Returns ignore_merges. */
function readModel(value: unknown, check: JsonCheck): boolean {
  const model = check.object(value, "model");
  for (const [field, allowed] of Object.entries(MODEL_FIELDS)) {
    const got = model[field];
    if (!allowed.includes(got)) throw check.unsupported(`model.${field}`, got, JSON.stringify(allowed[0]));
  }
  return model["ignore_merges"] === true;
}

function checkPreTokenizer(value: unknown, check: JsonCheck): void {
  const [split, byteLevel, ...others] = check.flatten(value, "pre_tokenizer", "pretokenizers");
  if (split === undefined || byteLevel === undefined) {
    throw check.unsupported("pre_tokenizer", value, "Split and ByteLevel in a Sequence");
  }
  if (others[0]) throw check.unsupported(others[0].where, others[0].component["type"], "Split and ByteLevel alone");
  check.expect(split, "type", "Split");
  check.expect(split, "behavior", "Isolated");
  check.expect(split, "invert", false);
  const where = `${split.where}.pattern`;
  check.expect({ component: check.object(split.component["pattern"], where), where }, "Regex", QWEN_PATTERN);
  check.expect(byteLevel, "type", "ByteLevel");
  check.expect(byteLevel, "add_prefix_space", false);
  check.expect(byteLevel, "use_regex", false);
}

function checkDecoder(value: unknown, check: JsonCheck): void {
  const steps = check.flatten(value, "decoder", "decoders");
  if (steps.length === 0) throw check.unsupported("decoder", value, "ByteLevel");
  for (const step of steps) check.expect(step, "type", "ByteLevel");
}

/** True for NFC, false for none. */
function readNormalizer(value: unknown, check: JsonCheck): boolean {
  const steps = check.flatten(value, "normalizer", "normalizers");
  for (const step of steps) check.expect(step, "type", "NFC");
  return steps.length > 0;
}

function readAddedTokens(value: unknown, check: JsonCheck): AddedToken[] {
  if (value === undefined || value === null) return [];
  return check.array(value, "added_tokens").map((entry, index) => {
    const where = `added_tokens[${index}]`;
    const token = check.object(entry, where);
    const { content } = token;
    if (typeof content !== "string" || content === "") {
      throw check.invalid(`${where}.content`, content, "a non-empty string");
    }
    return {
      id: check.id(token["id"], `${where}.id`),
      content,
      special: token["special"] === true,
      normalized: token["normalized"] === true,
      lstrip: token["lstrip"] === true,
      rstrip: token["rstrip"] === true,
      singleWord: token["single_word"] === true,
    };
  });
}

function readTruncation(value: unknown, check: JsonCheck): TokenizerSpec["truncation"] {
  if (value === undefined || value === null) return undefined;
  const { max_length, direction } = check.object(value, "truncation");
  return { maxLength: check.id(max_length, "truncation.max_length"), side: direction === "Left" ? "left" : "right" };
}
