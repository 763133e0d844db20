/**
 * The tokenizer as its definition says it, for tests: regular expressions with the oracle's own character classes, NFC
 * from the oracle's own tables, merges looked up in a Map and joined one at a time. Slow and plain.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { QWEN_PATTERN } from "../../src/tokenizer/word-scanner.ts";

type Ranges = readonly (readonly [first: number, last: number])[];

export interface UnicodeTables {
  readonly letter: Ranges;
  readonly number: Ranges;
  readonly space: Ranges;
  readonly contraction_single_char_after_apostrophe: readonly number[];
  readonly contraction_two_chars: readonly string[];
  readonly nfc_moves_before_0345: Ranges;
  readonly nfc_changed: readonly (readonly [number, readonly number[]])[];
  readonly nfc_composites: readonly (readonly [number, readonly number[]])[];
}

export function readUnicodeTables(): UnicodeTables {
  const file = new URL("../../../tests/fixtures/goldens/tokenizer/unicode.json.gz", import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as UnicodeTables;
}

/** QWEN_PATTERN as a JavaScript expression that does not depend on the engine's Unicode version. */
export function plainPattern(tables: UnicodeTables): RegExp {
  const set = (ranges: Ranges): string =>
    ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join("");
  const either = tables.contraction_two_chars.join("|");
  const single = String.fromCodePoint(...tables.contraction_single_char_after_apostrophe);
  const source = QWEN_PATTERN.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", `'(?:[${single}]|${either})`)
    .replaceAll("\\S", `[^${set(tables.space)}]`)
    .replaceAll(/\\p\{L\}/g, `[${set(tables.letter)}]`)
    .replaceAll(/\\p\{N\}/g, `[${set(tables.number)}]`)
    .replaceAll("\\s", `[${set(tables.space)}]`);
  return new RegExp(flattenClasses(source), "gu");
}

/** `[^a[b][c]]` → `[^abc]`: inside a class, the brackets of the classes that were put in are dropped. */
function flattenClasses(source: string): string {
  let depth = 0;
  let flat = "";
  for (const character of source) {
    if (character === "[") depth++;
    if ((character !== "[" && character !== "]") || depth === 1) flat += character;
    if (character === "]") depth--;
  }
  return flat;
}

/** Byte-pair encoding by definition. `ranks` maps "left right" (ids) to [rank, joined id]. */
export function plainBpe(
  bytes: Uint8Array,
  byteIds: readonly number[],
  ranks: ReadonlyMap<string, readonly [number, number]>,
): number[] {
  const parts = Array.from(bytes, (byte) => byteIds[byte] ?? -1);
  for (;;) {
    let best: readonly [number, number] | undefined;
    let place = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const merge = ranks.get(`${parts[i]} ${parts[i + 1]}`);
      if (merge && (best === undefined || merge[0] < best[0])) {
        best = merge;
        place = i;
      }
    }
    if (best === undefined) return parts;
    parts.splice(place, 2, best[1]);
  }
}
