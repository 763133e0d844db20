/**
 * `node build/scripts/unicode-tables.js > src/tokenizer/unicode-data.ts`
 *
 * Packs what the original tokenizer's regex engine and NFC know about Unicode, as recorded by the oracle in
 * tests/fixtures/goldens/tokenizer/unicode.json.gz. The oracle does not record two things: the order of combining classes,
 * taken from this Node's own normaliser, where it can never change (Unicode's stability policy), and what a `single_word`
 * token takes for part of a word, taken from the original itself (npm `tokenizers`).
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Tokenizer } from "tokenizers";

type Range = readonly [first: number, last: number];
type Mapping = readonly [codePoint: number, sequence: readonly number[]];

interface Oracle {
  readonly letter: readonly Range[];
  readonly number: readonly Range[];
  readonly space: readonly Range[];
  readonly nfc_moves_before_0345: readonly Range[];
  readonly nfc_changed: readonly Mapping[];
  readonly nfc_composites: readonly Mapping[];
}

const ORACLE = new URL("../../tests/fixtures/goldens/tokenizer/unicode.json.gz", import.meta.url);
const oracle = JSON.parse(gunzipSync(readFileSync(ORACLE)).toString("utf8")) as Oracle;

/** Sorted tuples whose first number is written as the distance from the first number of the tuple before. */
function pack(tuples: readonly (readonly number[])[]): string {
  let previous = 0;
  const packed: string[] = [];
  for (const [first = 0, ...rest] of tuples) {
    packed.push([first - previous, ...rest].map((n) => n.toString(36)).join(" "));
    previous = first;
  }
  return packed.join(",");
}

const packRanges = (ranges: readonly Range[]): string => pack(ranges.map(([first, last]) => [first, last - first]));

/** [composite, first, second] from [composite, full decomposition]. */
function pairs(composites: readonly Mapping[]): number[][] {
  const bySequence = new Map(composites.map(([codePoint, sequence]) => [sequence.join(" "), codePoint]));
  return composites.map(([codePoint, sequence]) => {
    const first = sequence.length === 2 ? sequence[0] : bySequence.get(sequence.slice(0, -1).join(" "));
    const second = sequence.at(-1);
    if (first === undefined || second === undefined) throw new Error(`no pair composes U+${codePoint.toString(16)}`);
    return [codePoint, first, second];
  });
}

/** True if canonical ordering puts `a` before `b`, both combining marks. */
function isBefore(a: number, b: number): boolean {
  const swapped = String.fromCodePoint(0x71, a, b);
  return (
    a !== b && String.fromCodePoint(0x71, b, a).normalize("NFD") === swapped && swapped.normalize("NFD") === swapped
  );
}

/** [first, length − 1, rank of the combining class] of every mark that canonical ordering moves. */
function combiningClasses(): number[][] {
  const changed = new Set(oracle.nfc_changed.map(([codePoint]) => codePoint));
  const marks = [...oracle.nfc_moves_before_0345, [0x345, 0x345] as const]
    .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
    .filter((codePoint) => !changed.has(codePoint));
  const representatives: number[] = [];
  for (const mark of marks) {
    const isNew = representatives.every((other) => isBefore(mark, other) || isBefore(other, mark));
    if (isNew) representatives.push(mark);
  }
  representatives.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  const ranges: number[][] = [];
  for (const mark of marks.toSorted((a, b) => a - b)) {
    const rank = 1 + representatives.findIndex((other) => !isBefore(mark, other) && !isBefore(other, mark));
    const last = ranges.at(-1);
    const [first = 0, extra = 0, lastRank] = last ?? [];
    if (last && first + extra + 1 === mark && lastRank === rank) last[1] = extra + 1;
    else ranges.push([mark, 0, rank]);
  }
  return ranges;
}

/** Ranges of the code points beside which the original does not match a `single_word` token. */
async function wordRanges(): Promise<Range[]> {
  const token = { id: 0, content: "@@@", special: false, normalized: false, lstrip: false, rstrip: false };
  const model = { type: "BPE", vocab: {}, merges: [] };
  const original = Tokenizer.fromString(JSON.stringify({ model, added_tokens: [{ ...token, single_word: true }] }));
  const ranges: [number, number][] = [];
  for (let first = 0; first < 0x110000; first += 0x800) {
    if (first === 0xd800) continue;
    const codePoints = Array.from({ length: 0x800 }, (_, i) => first + i);
    const text = codePoints.map((codePoint) => `@@@${String.fromCodePoint(codePoint)} `).join("");
    const offsets = (await original.encode(text)).getOffsets();
    const matched = new Set(
      offsets.filter(([start = 0, end = 0]) => end - start === 3).map(([start = 0]) => start / 5),
    );
    for (const codePoint of codePoints) {
      if (matched.has(codePoint - first)) continue;
      const last = ranges.at(-1);
      if (last?.[1] === codePoint - 1) last[1] = codePoint;
      else ranges.push([codePoint, codePoint]);
    }
  }
  return ranges;
}

const tables = {
  LETTERS: ["[first, length − 1] of `\\p{L}`", packRanges(oracle.letter)],
  NUMBERS: ["[first, length − 1] of `\\p{N}`", packRanges(oracle.number)],
  SPACES: ["[first, length − 1] of `\\s`", packRanges(oracle.space)],
  WORD_CHARACTERS: [
    "[first, length − 1] of what a `single_word` token may not stand beside",
    packRanges(await wordRanges()),
  ],
  COMBINING_CLASSES: ["[first, length − 1, rank of the canonical combining class]", pack(combiningClasses())],
  COMPOSITES: ["[composite, first, second] of every primary composite but Hangul", pack(pairs(oracle.nfc_composites))],
  REPLACED: [
    "[code point, …its NFC] of every code point that NFC replaces",
    pack(oracle.nfc_changed.map(([codePoint, sequence]) => [codePoint].concat(sequence))),
  ],
} as const;

console.log(`/**
 * Made by scripts/unicode-tables.ts from the recorded behaviour of the original tokenizer; do not edit. Tuples are
 * separated by commas, their numbers (base 36) by spaces; a tuple's first number is the distance from the one before.
 */`);
for (const [name, [about, text]] of Object.entries(tables)) {
  console.log(`\n/** ${about}. */\nexport const ${name} =\n  "${text}";`);
}
