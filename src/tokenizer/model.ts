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
      return [token.id, token.normalized && nfc ? normalized(nfc, token.content) : token.content] as const;
    });
    this.#others = new Map([...tables.irregular, ...added]);
    this.#otherBytes = new Map(Array.from(this.#others, ([id, token]) => [id, bytesOfToken(token)]));
    let { size } = tables.vocabulary;
    for (const id of this.#others.keys()) size = Math.max(size, id + 1);
    this.size = size;
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
    return this.#others.get(id) ?? this.#tokenOf(id);
  }

  #checkAdded({ id, content }: AddedToken, source: string): void {
    const name = JSON.stringify(content);
    const sameId = this.#addedById.get(id)?.content;
    const sameContent = this.#addedByContent.get(content)?.id;
    const idInVocabulary = this.#tables.find(content);
    const nameInVocabulary = this.#tokenOf(id);
    let problem: string | undefined;
    if (sameId !== content) problem = `added tokens ${name} and ${JSON.stringify(sameId)} both have id ${id}`;
    else if (sameContent !== id) problem = `added token ${name} has the ids ${id} and ${sameContent}`;
    else if (idInVocabulary !== -1 && idInVocabulary !== id) {
      problem = `${name} has id ${id} in added_tokens and ${idInVocabulary} in model.vocab`;
    } else if (idInVocabulary === -1 && nameInVocabulary !== undefined) {
      problem = `id ${id} is ${name} in added_tokens and ${JSON.stringify(nameInVocabulary)} in model.vocab`;
    }
    if (problem !== undefined) throw new Qwen3Error("invalid-checkpoint", `${source}: ${problem}`);
  }

  /** A token of the vocabulary proper. */
  #tokenOf(id: number): string | undefined {
    const bytes = this.vocabulary.bytesOf(id);
    return bytes && Array.from(bytes, (byte) => BYTE_ALPHABET[byte]).join("");
  }
}

/** As the original's decoder: a token with characters outside the byte alphabet stands for its own UTF-8. */
function bytesOfToken(token: string): Uint8Array {
  const scratch = new TokenBytes();
  return scratch.append(token) ? scratch.bytes.slice(0, scratch.length) : new TextEncoder().encode(token);
}

function normalized(nfc: Nfc, text: string): string {
  const run = nfc.normalize(Array.from(text, (character) => character.codePointAt(0) ?? 0));
  return String.fromCodePoint(...Array.from({ length: run.length }, (_, i) => run.codePoint(i)));
}
