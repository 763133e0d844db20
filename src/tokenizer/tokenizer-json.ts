import { Qwen3Error } from "../core/errors.ts";
import type { AddedToken } from "./added-tokens.ts";
import { QWEN_PATTERN } from "./word-scanner.ts";

/** Everything of a tokenizer.json that this runtime uses but vocabulary and merges, checked. */
export interface TokenizerSpec {
  readonly source: string;
  readonly ignoreMerges: boolean;
  readonly addedTokens: readonly AddedToken[];
  readonly normalize: boolean;
  /** Ids that the post-processor puts before and behind every text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly truncation: { readonly maxLength: number; readonly side: "left" | "right" } | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a parsed tokenizer.json, except vocabulary and merges.
 *
 * @throws Qwen3Error `unsupported` for any component that Qwen tokenizers do not have, `invalid-checkpoint` for a
 * malformed file; both name the component
 */
export function readTokenizerJson(json: unknown, source: string): TokenizerSpec {
  return new Reader(source).read(json);
}

/** Vocabulary and merges of a parsed tokenizer.json. @throws Qwen3Error `invalid-checkpoint` if they are not there */
export function modelParts(json: unknown, source: string): { vocab: Json; merges: readonly unknown[] } {
  return new Reader(source).modelParts(json);
}

/** Values a component must have; anything else would silently give other ids. */
const REQUIRED_MODEL_FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  dropout: [null, undefined, 0],
  unk_token: [null, undefined],
  continuing_subword_prefix: ["", null, undefined],
  end_of_word_suffix: ["", null, undefined],
  byte_fallback: [false, undefined],
};

class Reader {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  read(json: unknown): TokenizerSpec {
    const file = this.#object(json, "the file");
    const ignoreMerges = this.#model(this.#object(file["model"], "model"));
    this.#preTokenizer(file["pre_tokenizer"]);
    this.#decoder(file["decoder"]);
    return {
      source: this.#source,
      ignoreMerges,
      addedTokens: this.#addedTokens(file["added_tokens"]),
      normalize: this.#normalizer(file["normalizer"]),
      ...this.#postProcessor(file["post_processor"]),
      truncation: this.#truncation(file["truncation"]),
    };
  }

  modelParts(json: unknown): { vocab: Json; merges: readonly unknown[] } {
    const { vocab, merges } = this.#object(this.#object(json, "the file")["model"], "model");
    return { vocab: this.#object(vocab, "model.vocab"), merges: this.#array(merges, "model.merges") };
  }

  /** True if a word that is a token is that token, whatever its merges say. */
  #model(model: Json): boolean {
    // Files written before the field existed have vocab and merges, which only BPE has together.
    if (model["type"] !== undefined) this.#expect(model["type"], "BPE", "model.type");
    for (const [field, allowed] of Object.entries(REQUIRED_MODEL_FIELDS)) {
      if (!allowed.includes(model[field])) throw this.#unsupported(`model.${field}`, model[field]);
    }
    return model["ignore_merges"] === true;
  }

  #addedTokens(value: unknown): AddedToken[] {
    if (value === undefined || value === null) return [];
    return this.#array(value, "added_tokens").map((entry, index) => {
      const where = `added_tokens[${index}]`;
      const token = this.#object(entry, where);
      const { id, content } = token;
      if (!isId(id)) throw this.#invalid(`${where}.id`, id, "a non-negative integer");
      if (typeof content !== "string" || content === "") {
        throw this.#invalid(`${where}.content`, content, "a non-empty string");
      }
      return {
        id,
        content,
        special: token["special"] === true,
        normalized: token["normalized"] === true,
        lstrip: token["lstrip"] === true,
        rstrip: token["rstrip"] === true,
        singleWord: token["single_word"] === true,
      };
    });
  }

  /** True for NFC, false for none. */
  #normalizer(value: unknown): boolean {
    if (value === undefined || value === null) return false;
    const steps = this.#flatten(value, "normalizer", "normalizers");
    for (const { component, where } of steps) this.#expect(component["type"], "NFC", `${where}.type`);
    return steps.length > 0;
  }

  #preTokenizer(value: unknown): void {
    const steps = this.#flatten(value, "pre_tokenizer", "pretokenizers");
    const [split, byteLevel, ...others] = steps;
    if (split === undefined || byteLevel === undefined) {
      throw this.#unsupported("pre_tokenizer", value, "Split and ByteLevel in a Sequence");
    }
    if (others[0] !== undefined) throw this.#unsupported(others[0].where, others[0].component["type"]);
    this.#expect(split.component["type"], "Split", `${split.where}.type`);
    this.#expect(split.component["behavior"], "Isolated", `${split.where}.behavior`);
    this.#expect(split.component["invert"], false, `${split.where}.invert`);
    const pattern = this.#object(split.component["pattern"], `${split.where}.pattern`);
    this.#expect(pattern["Regex"], QWEN_PATTERN, `${split.where}.pattern.Regex`);
    this.#byteLevel(byteLevel.component, byteLevel.where);
  }

  #byteLevel(component: Json, where: string): void {
    this.#expect(component["type"], "ByteLevel", `${where}.type`);
    this.#expect(component["add_prefix_space"], false, `${where}.add_prefix_space`);
    this.#expect(component["use_regex"], false, `${where}.use_regex`);
  }

  #decoder(value: unknown): void {
    const steps = this.#flatten(value, "decoder", "decoders");
    if (steps.length === 0) throw this.#unsupported("decoder", value, "ByteLevel");
    for (const { component, where } of steps) this.#expect(component["type"], "ByteLevel", `${where}.type`);
  }

  #postProcessor(value: unknown): { prefix: number[]; suffix: number[] } {
    let added: { prefix: number[]; suffix: number[] } | undefined;
    for (const { component, where } of this.#flatten(value, "post_processor", "processors")) {
      if (component["type"] === "ByteLevel") {
        this.#expect(component["trim_offsets"], false, `${where}.trim_offsets`);
        continue;
      }
      this.#expect(component["type"], "TemplateProcessing", `${where}.type`);
      if (added !== undefined) throw this.#unsupported(where, "TemplateProcessing", "one template at most");
      added = this.#template(component, where);
    }
    return added ?? { prefix: [], suffix: [] };
  }

  #template(component: Json, where: string): { prefix: number[]; suffix: number[] } {
    const prefix: number[] = [];
    const suffix: number[] = [];
    let sequences = 0;
    for (const [index, entry] of this.#array(component["single"], `${where}.single`).entries()) {
      const place = `${where}.single[${index}]`;
      const part = this.#object(entry, place);
      if (part["Sequence"] !== undefined) {
        sequences++;
        this.#expect(this.#object(part["Sequence"], place)["id"], "A", `${place}.Sequence.id`);
        continue;
      }
      const name = this.#object(part["SpecialToken"], `${place}.SpecialToken`)["id"];
      (sequences === 0 ? prefix : suffix).push(...this.#templateIds(component, where, name));
    }
    if (sequences !== 1) throw this.#unsupported(`${where}.single`, `${sequences} sequences`, "exactly one");
    return { prefix, suffix };
  }

  #templateIds(component: Json, where: string, name: unknown): number[] {
    const place = `${where}.special_tokens[${JSON.stringify(name)}]`;
    const tokens = this.#object(component["special_tokens"], `${where}.special_tokens`);
    const ids = this.#array(this.#object(tokens[String(name)], place)["ids"], `${place}.ids`);
    for (const id of ids) if (!isId(id)) throw this.#invalid(`${place}.ids`, id, "non-negative integers");
    return ids as number[];
  }

  #truncation(value: unknown): TokenizerSpec["truncation"] {
    if (value === undefined || value === null) return undefined;
    const { max_length: maxLength, direction } = this.#object(value, "truncation");
    if (!isId(maxLength)) throw this.#invalid("truncation.max_length", maxLength, "a non-negative integer");
    return { maxLength, side: direction === "Left" ? "left" : "right" };
  }

  /** A component, the members of a Sequence, or nothing. */
  #flatten(value: unknown, where: string, members: string): { component: Json; where: string }[] {
    if (value === undefined || value === null) return [];
    const component = this.#object(value, where);
    if (component["type"] !== "Sequence") return [{ component, where }];
    return this.#array(component[members], `${where}.${members}`).flatMap((member, index) =>
      this.#flatten(member, `${where}.${members}[${index}]`, members),
    );
  }

  #expect(got: unknown, expected: unknown, where: string): void {
    if (got !== expected) throw this.#unsupported(where, got, JSON.stringify(expected));
  }

  #object(value: unknown, where: string): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.#invalid(where, value, "an object");
    }
    return value as Json;
  }

  #array(value: unknown, where: string): readonly unknown[] {
    if (!Array.isArray(value)) throw this.#invalid(where, value, "an array");
    return value as readonly unknown[];
  }

  #invalid(where: string, got: unknown, expected: string): Qwen3Error {
    return new Qwen3Error("invalid-checkpoint", `${this.#source}: ${where} is ${show(got)}, expected ${expected}`);
  }

  #unsupported(where: string, got: unknown, expected?: string): Qwen3Error {
    const supported = expected === undefined ? "which no Qwen3 tokenizer has" : `supported is ${expected}`;
    return new Qwen3Error("unsupported", `${this.#source}: ${where} is ${show(got)}; ${supported}`);
  }
}

/** Ids are kept in 32-bit arrays and in pairs of 21 bits; no vocabulary comes near. */
const MAX_ID = 2 ** 21 - 1;

/** A token id. */
export function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_ID;
}

const LONGEST_SHOWN = 300;

function show(value: unknown): string {
  const text = value === undefined ? "missing" : JSON.stringify(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
