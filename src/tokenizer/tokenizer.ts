import { open, readFile } from "node:fs/promises";
import { Qwen3Error } from "../core/errors.ts";
import type { AddedToken } from "./added-tokens.ts";
import { DecodeStream } from "./decode-stream.ts";
import { Encoder } from "./encoder.ts";
import { TokenizerModel } from "./model.ts";
import { Nfc } from "./nfc.ts";
import type { Template } from "./post-processor.ts";
import { tablesFromJson, type TokenTables } from "./token-tables.ts";
import { readTokenizerFile } from "./tokenizer-file.ts";
import { readTokenizerJson, type TokenizerSpec } from "./tokenizer-json.ts";
import { codePointClasses } from "./unicode.ts";

export interface EncodeOptions {
  /** Put the post-processor's tokens around the text, such as the `<|endoftext|>` of embedding checkpoints. @default true */
  readonly addSpecialTokens?: boolean;
  /** Most ids to return, the post-processor's included; these are never cut. @default the file's, usually no limit */
  readonly maxLength?: number;
  /** Which end of a text that is too long is cut off. @default "right", or as the file says */
  readonly truncationSide?: "left" | "right";
  /** Also return where each token comes from. @default false */
  readonly offsets?: boolean;
}

export interface Encoding {
  readonly ids: Uint32Array;
  /**
   * `[start, end)` of every token in the text, two numbers per token, in UTF-16 code units as `String.slice` takes
   * them. A token that is only part of a character has the whole character; one that the post-processor added has 0, 0.
   */
  readonly offsets?: Uint32Array;
}

export interface DecodeOptions {
  /** Leave out special tokens such as `<|im_end|>`. @default false */
  readonly skipSpecialTokens?: boolean;
}

const NO_TEMPLATE: Template = { prefix: [], suffix: [] };

/**
 * Text ↔ ids, from a Qwen tokenizer.json: NFC, the Qwen split pattern, byte-level BPE, added tokens, templates. Gives
 * exactly the ids of Hugging Face `tokenizers`, whatever the engine's own Unicode version.
 *
 * An unpaired surrogate is read as U+FFFD, as every conversion to UTF-8 does.
 */
export class Tokenizer {
  readonly #spec: TokenizerSpec;
  readonly #file: string | undefined;
  readonly #model: TokenizerModel;
  readonly #encoder: Encoder;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  private constructor(spec: TokenizerSpec, tables: TokenTables, file?: string) {
    this.#spec = spec;
    this.#file = file;
    const classes = codePointClasses();
    const nfc = spec.normalize ? new Nfc() : undefined;
    this.#model = new TokenizerModel(tables, spec, nfc);
    this.#encoder = new Encoder(this.#model, classes, nfc);
  }

  /**
   * Reads a tokenizer.json.
   *
   * @throws Qwen3Error `not-found`, `invalid-checkpoint`, or `unsupported` naming the component that no Qwen3 tokenizer has
   */
  static async fromFile(path: string): Promise<Tokenizer> {
    const bytes = await readBytes(path);
    const file = readTokenizerFile(bytes);
    if (file !== undefined) return new Tokenizer(readTokenizerJson(file.rest, path), file.tables, path);
    const json = parse(bytes, path);
    return new Tokenizer(readTokenizerJson(json, path), tablesFromJson(json, path), path);
  }

  /**
   * Takes a parsed tokenizer.json.
   *
   * @throws Qwen3Error as `fromFile`
   */
  static fromJSON(json: unknown): Tokenizer {
    const source = "tokenizer.json";
    return new Tokenizer(readTokenizerJson(json, source), tablesFromJson(json, source));
  }

  /** The file that `fromFile` read, with which another thread can have the same tokenizer. */
  get file(): string | undefined {
    return this.#file;
  }

  /** Largest id + 1, added tokens included. */
  get vocabSize(): number {
    return this.#model.size;
  }

  get addedTokens(): readonly AddedToken[] {
    return this.#spec.addedTokens;
  }

  /** Ids that `skipSpecialTokens` leaves out. */
  get specialTokenIds(): ReadonlySet<number> {
    return this.#model.specialIds;
  }

  /** Ids that the post-processor puts around every text. */
  get template(): Template {
    return this.#spec.template;
  }

  /** Id of a token as written in tokenizer.json (`"Ġhello"`, `"<|im_end|>"`). */
  tokenToId(token: string): number | undefined {
    return this.#model.tokenToId(token);
  }

  /** A token as written in tokenizer.json. */
  idToToken(id: number): string | undefined {
    return this.#model.idToToken(id);
  }

  /**
   * Text to ids.
   *
   * @throws Qwen3Error `invalid-argument` if `text` is not a string or `maxLength` cannot hold the post-processor's tokens
   */
  encode(text: string, options: EncodeOptions = {}): Encoding {
    if (typeof text !== "string") {
      throw new Qwen3Error("invalid-argument", `text is ${text === null ? "null" : typeof text}, expected a string`);
    }
    const { prefix, suffix } = options.addSpecialTokens === false ? NO_TEMPLATE : this.#spec.template;
    const room = this.#contentRoom(options, prefix.length + suffix.length);
    const side = options.truncationSide ?? this.#spec.truncation?.side ?? "right";
    const limit = side === "left" ? Number.POSITIVE_INFINITY : room;
    const content = this.#encoder.encode(text, { limit, offsets: options.offsets === true });
    const start = side === "left" ? Math.max(0, content.count - room) : 0;
    const end = Math.min(content.count, start + room);
    const ids = new Uint32Array(prefix.length + end - start + suffix.length);
    ids.set(prefix);
    ids.set(content.ids.subarray(start, end), prefix.length);
    ids.set(suffix, prefix.length + end - start);
    if (content.offsets === undefined) return { ids };
    const offsets = new Uint32Array(2 * ids.length);
    offsets.set(content.offsets.slice(2 * start, 2 * end), 2 * prefix.length);
    return { ids, offsets };
  }

  /** `encode` for each text; nothing is padded. */
  encodeBatch(texts: readonly string[], options: EncodeOptions = {}): Encoding[] {
    return texts.map((text) => this.encode(text, options));
  }

  /**
   * Ids to text. Bytes that are not UTF-8 become U+FFFD; ids that no token has (padded rows of the model's table) give
   * nothing.
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < ids.length; i++) {
      const bytes = this.#bytesOf(ids[i] as number, options.skipSpecialTokens === true);
      if (bytes !== undefined) parts.push(bytes);
    }
    return this.#decoder.decode(Buffer.concat(parts));
  }

  /** Decodes a stream of ids, for printing while text is generated. */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    return new DecodeStream((id) => this.#bytesOf(id, options.skipSpecialTokens === true));
  }

  #bytesOf(id: number, skipSpecial: boolean): Uint8Array | undefined {
    return skipSpecial && this.#model.specialIds.has(id) ? undefined : this.#model.bytesOf(id);
  }

  /** How many ids the text itself may have. */
  #contentRoom(options: EncodeOptions, added: number): number {
    const maxLength = options.maxLength ?? this.#spec.truncation?.maxLength ?? Number.POSITIVE_INFINITY;
    if (maxLength !== Number.POSITIVE_INFINITY && (!Number.isInteger(maxLength) || maxLength < 0)) {
      throw new Qwen3Error("invalid-argument", `maxLength is ${maxLength}, expected an integer of 0 or more`);
    }
    if (maxLength < added) {
      throw new Qwen3Error(
        "invalid-argument",
        `maxLength ${maxLength} cannot hold the ${added} special token(s) of the post-processor; raise it or pass addSpecialTokens: false`,
      );
    }
    return maxLength - added;
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readWhole(path);
  } catch (error) {
    throw new Qwen3Error("not-found", `${path}: cannot be read; a tokenizer.json is needed`, { cause: error });
  }
}

/** `readFile`, but in one read: it would ask the thread pool for every 512 KiB. */
async function readWhole(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await file.read(buffer, 0, size, 0);
    return bytesRead === size && size > 0 ? buffer : await readFile(path);
  } finally {
    await file.close();
  }
}

function parse(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Qwen3Error("invalid-checkpoint", `${path}: not JSON: ${String(error)}`, { cause: error });
  }
}
