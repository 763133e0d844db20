import { Qwen3Error } from "../core/errors.ts";
import type { AddedToken } from "./added-tokens.ts";
import { BYTE_ALPHABET, bytesOfLetters, tokenBytes } from "./byte-alphabet.ts";
import { hashBytes, READ_AHEAD } from "./byte-hash.ts";
import { MergeTable } from "./merge-table.ts";
import { isId, type TokenizerSpec } from "./tokenizer-json.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Vocabulary, merges and added tokens of one tokenizer.json, ready to be looked up. */
export class TokenizerModel {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  /** Id of every single byte. */
  readonly byteIds: Int32Array;
  readonly addedTokens: readonly AddedToken[];
  readonly specialIds: ReadonlySet<number>;
  readonly ignoreMerges: boolean;
  readonly #letters: Int16Array;
  readonly #addedById: ReadonlyMap<number, AddedToken & { readonly bytes: Uint8Array }>;
  readonly #addedByContent: ReadonlyMap<string, number>;

  constructor(vocabulary: Vocabulary, merges: MergeTable, spec: TokenizerSpec, letters: Int16Array) {
    this.vocabulary = vocabulary;
    this.merges = merges;
    this.addedTokens = spec.addedTokens;
    this.ignoreMerges = spec.ignoreMerges;
    this.#letters = letters;
    this.specialIds = new Set(spec.addedTokens.filter(({ special }) => special).map(({ id }) => id));
    this.#addedById = new Map(
      spec.addedTokens.map((token) => [token.id, { ...token, bytes: tokenBytes(token.content, letters) }]),
    );
    this.#addedByContent = new Map(spec.addedTokens.map(({ content, id }) => [content, id]));
    this.byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
      const id = find(vocabulary, Uint8Array.of(byte));
      if (id === -1) {
        const letter = JSON.stringify(BYTE_ALPHABET[byte]);
        throw new Qwen3Error(
          "invalid-checkpoint",
          `${spec.source}: model.vocab lacks ${letter}, the token of byte ${byte}`,
        );
      }
      return id;
    });
  }

  /** Largest id + 1. */
  get size(): number {
    return Math.max(this.vocabulary.size, ...[...this.#addedById.keys()].map((id) => id + 1));
  }

  bytesOf(id: number): Uint8Array | undefined {
    return this.#addedById.get(id)?.bytes ?? this.vocabulary.bytesOf(id);
  }

  tokenToId(token: string): number | undefined {
    const added = this.#addedByContent.get(token);
    if (added !== undefined) return added;
    const bytes = tokenBytes(token, this.#letters);
    const id = find(this.vocabulary, bytes);
    return id === -1 ? undefined : id;
  }

  idToToken(id: number): string | undefined {
    const added = this.#addedById.get(id);
    if (added !== undefined) return added.content;
    const bytes = this.vocabulary.bytesOf(id);
    return bytes && Array.from(bytes, (byte) => BYTE_ALPHABET[byte]).join("");
  }
}

/** @throws Qwen3Error `invalid-checkpoint` if vocabulary and merges contradict each other */
export function buildModel(spec: TokenizerSpec): TokenizerModel {
  const letters = bytesOfLetters();
  const entries = Object.entries(spec.vocabulary);
  const vocabulary = new Vocabulary(entries.length);
  for (const [token, id] of entries) {
    if (!isId(id))
      throw invalid(spec, `model.vocab[${JSON.stringify(token)}] is ${JSON.stringify(id)}, expected an id`);
    const bytes = tokenBytes(token, letters);
    if (bytes.length === 0 || !vocabulary.add(id, bytes, bytes.length)) {
      throw invalid(spec, `model.vocab[${JSON.stringify(token)}]: id ${id} or its bytes are there twice`);
    }
  }
  return new TokenizerModel(vocabulary, buildMerges(spec, vocabulary, letters), spec, letters);
}

function buildMerges(spec: TokenizerSpec, vocabulary: Vocabulary, letters: Int16Array): MergeTable {
  const merges = new MergeTable(spec.merges.length);
  const idOf = (token: string, rank: number): number => {
    const bytes = tokenBytes(token, letters);
    const id = find(vocabulary, bytes);
    if (id === -1) throw invalid(spec, `model.merges[${rank}]: ${JSON.stringify(token)} is not in model.vocab`);
    return id;
  };
  for (const [rank, merge] of spec.merges.entries()) {
    const [left, right, ...others] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    if (typeof left !== "string" || typeof right !== "string" || others.length > 0) {
      throw invalid(spec, `model.merges[${rank}] is ${JSON.stringify(merge)}, expected two tokens`);
    }
    if (!merges.add(idOf(left, rank), idOf(right, rank), rank, idOf(left + right, rank))) {
      throw invalid(spec, `model.merges[${rank}]: ${JSON.stringify(merge)} is there twice`);
    }
  }
  return merges;
}

function invalid(spec: TokenizerSpec, message: string): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", `${spec.source}: ${message}`);
}

function find(vocabulary: Vocabulary, bytes: Uint8Array): number {
  const padded = new Uint8Array(bytes.length + READ_AHEAD);
  padded.set(bytes);
  return vocabulary.find(padded, 0, bytes.length, hashBytes(new DataView(padded.buffer), 0, bytes.length));
}
