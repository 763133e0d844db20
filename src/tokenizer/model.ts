import { Qwen3Error } from "../core/errors.ts";
import type { AddedToken } from "./added-tokens.ts";
import { BYTE_ALPHABET } from "./byte-alphabet.ts";
import type { MergeTable } from "./merge-table.ts";
import type { Nfc } from "./nfc.ts";
import { TokenBytes } from "./token-bytes.ts";
import type { TokenTables } from "./token-tables.ts";
import type { TokenizerSpec } from "./tokenizer-json.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Vocabulary, merges and added tokens of one tokenizer.json, ready to be looked up. */
export class TokenizerModel {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  /** Id of every single byte. */
  readonly byteIds: Int32Array;
  readonly addedTokens: readonly AddedToken[];
  readonly specialIds: ReadonlySet<number>;
  readonly ignoreMerges: boolean;
  /** Largest id + 1. */
  readonly size: number;
  readonly #tables: TokenTables;
  /** Tokens that are not in the vocabulary proper: irregular ones, and added ones as they are matched. */
  readonly #others: ReadonlyMap<number, string>;
  readonly #otherBytes: ReadonlyMap<number, Uint8Array>;
  readonly #addedById: ReadonlyMap<number, AddedToken>;
  readonly #addedByContent: ReadonlyMap<string, AddedToken>;

  /** @throws Qwen3Error `invalid-checkpoint` if tables and added tokens contradict each other */
  constructor(tables: TokenTables, spec: TokenizerSpec, nfc: Nfc | undefined) {
    this.vocabulary = tables.vocabulary;
    this.merges = tables.merges;
    this.byteIds = tables.byteIds(spec.source);
    this.addedTokens = spec.addedTokens;
    this.ignoreMerges = spec.ignoreMerges;
    this.specialIds = new Set(spec.addedTokens.filter(({ special }) => special).map(({ id }) => id));
    this.#tables = tables;
    this.#addedById = new Map(spec.addedTokens.map((token) => [token.id, token]));
    this.#addedByContent = new Map(spec.addedTokens.map((token) => [token.content, token]));
    for (const token of spec.addedTokens) this.#checkAdded(token, spec.source);
    const added = spec.addedTokens.map((token) => {
      return [token.id, token.normalized && nfc ? nfc.normalize(token.content) : token.content] as const;
    });
    this.#others = new Map([...tables.irregular, ...added]);
    this.#otherBytes = new Map(Array.from(this.#others, ([id, token]) => [id, bytesOfToken(token)]));
    this.size = Math.max(tables.vocabulary.size, ...Array.from(this.#others.keys(), (id) => id + 1));
  }

  /** What an id stands for in decoded text. */
  bytesOf(id: number): Uint8Array | undefined {
    return this.#otherBytes.get(id) ?? this.vocabulary.bytesOf(id);
  }

  tokenToId(token: string): number | undefined {
    const id = this.#addedByContent.get(token)?.id ?? this.#tables.find(token);
    return id === -1 ? undefined : id;
  }

  idToToken(id: number): string | undefined {
    const other = this.#others.get(id);
    if (other !== undefined) return other;
    const bytes = this.vocabulary.bytesOf(id);
    return bytes && Array.from(bytes, (byte) => BYTE_ALPHABET[byte]).join("");
  }

  #checkAdded({ id, content }: AddedToken, source: string): void {
    const inVocabulary = this.#tables.find(content);
    const owner = this.#addedById.get(id)?.content;
    const named = this.#addedByContent.get(content)?.id;
    if (owner === content && named === id && (inVocabulary === -1 || inVocabulary === id)) return;
    const other =
      owner === content ? `its id is also ${named === id ? inVocabulary : named}` : `so has ${JSON.stringify(owner)}`;
    throw new Qwen3Error(
      "invalid-checkpoint",
      `${source}: added token ${JSON.stringify(content)} has id ${id}, but ${other}`,
    );
  }
}

/** As the original's decoder: a token with characters outside the byte alphabet stands for its own UTF-8. */
function bytesOfToken(token: string): Uint8Array {
  const scratch = new TokenBytes();
  return scratch.append(token) ? scratch.bytes.slice(0, scratch.length) : new TextEncoder().encode(token);
}
