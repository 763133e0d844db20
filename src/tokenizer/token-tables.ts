import { Qwen3Error } from "../core/errors.ts";
import { BYTE_ALPHABET } from "./byte-alphabet.ts";
import { MergeTable } from "./merge-table.ts";
import { TokenBytes } from "./token-bytes.ts";
import { isId } from "./json-check.ts";
import { modelParts } from "./tokenizer-json.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Ranks are kept in the upper 23 bits of positive 32-bit numbers. */
const MOST_MERGES = 2 ** 23 - 1;

/** A model's vocabulary and merges, filled from tokenizer.json. */
export class TokenTables {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  /** Tokens that are not written in the byte alphabet, which no text is ever split into. */
  readonly irregular: Map<number, string> = new Map();
  /** Where readers of tokenizer.json put the bytes of a token, or of the two tokens of a merge. */
  readonly scratch: TokenBytes = new TokenBytes();
  #lastJoined = -1;

  /** @param count how many tokens and merges to expect; more are taken too */
  constructor(count: number) {
    this.vocabulary = new Vocabulary(count);
    this.merges = new MergeTable(count);
  }

  /** Adds the token in `scratch`; false if it is empty, or its bytes or its id are taken. */
  addToken(id: number): boolean {
    const { bytes, length } = this.scratch;
    return (
      length > 0 && !this.irregular.has(id) && this.vocabulary.add(id, bytes, length, this.scratch.hash(0, length))
    );
  }

  /** Adds a merge of the two tokens in `scratch`; returns what is wrong if it cannot be. */
  addMerge(leftLength: number): string | undefined {
    const { bytes, length } = this.scratch;
    const left = this.#find(0, leftLength);
    const right = this.#find(leftLength, length - leftLength);
    // Vocabularies are numbered in the order of their merges, so that one guess finds nearly every joined token.
    const guess = this.#lastJoined + 1;
    const joined = this.vocabulary.isToken(guess, bytes, 0, length) ? guess : this.#find(0, length);
    if (left === -1 || right === -1 || joined === -1)
      return "one of its tokens, or both together, is not in model.vocab";
    if (this.merges.count === MOST_MERGES) return `there are more than ${MOST_MERGES} merges`;
    this.#lastJoined = joined;
    return this.merges.add(left, right, joined) ? undefined : "it is there twice";
  }

  /** Id of every single byte. */
  byteIds(source: string): Int32Array {
    return Int32Array.from({ length: 256 }, (_, byte) => {
      const letter = BYTE_ALPHABET.charAt(byte);
      const id = this.find(letter);
      if (id === -1) throw invalid(source, `model.vocab lacks ${JSON.stringify(letter)}, the token of byte ${byte}`);
      return id;
    });
  }

  /** Id of a token as written in tokenizer.json, or −1. */
  find(token: string): number {
    this.scratch.clear();
    if (this.scratch.append(token)) return this.#find(0, this.scratch.length);
    for (const [id, other] of this.irregular) if (other === token) return id;
    return -1;
  }

  #find(start: number, length: number): number {
    return this.vocabulary.find(this.scratch.bytes, start, length, this.scratch.hash(start, length));
  }
}

/**
 * Fills tables from parsed JSON.
 *
 * @throws Qwen3Error `invalid-checkpoint` if vocabulary and merges are malformed or contradict each other
 */
export function tablesFromJson(json: unknown, source: string): TokenTables {
  const { vocab, merges } = modelParts(json, source);
  const entries = Object.entries(vocab);
  const tables = new TokenTables(entries.length);
  for (const [token, id] of entries) {
    const place = `model.vocab[${JSON.stringify(token)}]`;
    if (!isId(id)) throw invalid(source, `${place} is ${JSON.stringify(id)}, expected an id`);
    tables.scratch.clear();
    if (!tables.scratch.append(token)) tables.irregular.set(id, token);
    else if (!tables.addToken(id))
      throw invalid(source, `${place} is empty, or its id ${id} belongs to another token too`);
  }
  for (const [rank, merge] of merges.entries()) {
    const place = `model.merges[${rank}]`;
    const [left, right, ...others] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    if (typeof left !== "string" || typeof right !== "string" || others.length > 0) {
      throw invalid(source, `${place} is ${JSON.stringify(merge)}, expected two tokens`);
    }
    tables.scratch.clear();
    const isRegular = tables.scratch.append(left) && tables.scratch.append(right);
    const problem = isRegular ? tables.addMerge(left.length) : "it is not written in the byte alphabet";
    if (problem !== undefined) throw invalid(source, `${place} is ${JSON.stringify(merge)}: ${problem}`);
  }
  return tables;
}

function invalid(source: string, message: string): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", `${source}: ${message}`);
}
