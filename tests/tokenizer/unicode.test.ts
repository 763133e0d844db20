import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MOST_GROWTH, Nfc } from "../../src/tokenizer/nfc.ts";
import { codePointClasses, LETTER, NEWLINE, NUMBER, SPACE } from "../../src/tokenizer/unicode.ts";
import { codePointsOf, utf8Length, writeCodePoint } from "../../src/tokenizer/utf8.ts";
import { WordScanner } from "../../src/tokenizer/word-scanner.ts";
import { plainPattern, readUnicodeTables } from "./plain-tokenizer.ts";
import { awkwardTexts } from "./texts.ts";

const tables = readUnicodeTables();
const classes = codePointClasses();
const nfc = new Nfc();
const utf8 = new TextEncoder();
const scratch = new Uint8Array(1000);
const written = new Uint8Array(3000);

function isIn(ranges: readonly (readonly [number, number])[]): Uint8Array {
  const members = new Uint8Array(0x110000);
  for (const [first, last] of ranges) members.fill(1, first, last + 1);
  return members;
}

/** NFC of a whole text, and whether the quick check says that it is NFC already. */
function normalize(codePoints: readonly number[]): { normalized: readonly number[]; isNormalized: boolean } {
  let length = 0;
  for (const codePoint of codePoints) length = writeCodePoint(scratch, length, codePoint);
  const run = nfc.normalize(codePoints);
  const normalized = Array.from({ length: run.length }, (_, i) => run.codePoint(i));
  const isNormalized = nfc.isNormalized(scratch, 0, length);
  const again = codePointsOf(written, 0, nfc.write(scratch, 0, length, written));
  if (String(again) !== String(normalized)) assert.deepEqual(again, normalized);
  return { normalized, isNormalized };
}

describe("code point classes", () => {
  it("are the oracle's for every code point", () => {
    const letters = isIn(tables.letter);
    const numbers = isIn(tables.number);
    const spaces = isIn(tables.space);
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
      const bits = classes[codePoint] ?? 0;
      const found = [bits & LETTER, bits & NUMBER, bits & SPACE].map((bit) => (bit === 0 ? 0 : 1));
      const expected = [letters[codePoint], numbers[codePoint], spaces[codePoint]];
      if (String(found) !== String(expected)) assert.deepEqual(found, expected, `U+${codePoint.toString(16)}`);
      assert.equal((bits & NEWLINE) !== 0, codePoint === 0x0a || codePoint === 0x0d);
    }
  });
});

describe("Nfc", () => {
  const changed = new Map(tables.nfc_changed);
  const composites = new Map(tables.nfc_composites);

  it("changes the single code points that the oracle changes, and no others", () => {
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      const expected = changed.get(codePoint) ?? [codePoint];
      const { normalized, isNormalized } = normalize([codePoint]);
      if (String(normalized) !== String(expected))
        assert.deepEqual(normalized, expected, `U+${codePoint.toString(16)}`);
      assert.equal(isNormalized, !changed.has(codePoint), `U+${codePoint.toString(16)}`);
      const growth = normalized.reduce((sum, part) => sum + utf8Length(part), 0) / utf8Length(codePoint);
      if (growth > MOST_GROWTH) assert.fail(`U+${codePoint.toString(16)} grows ${growth} times`);
    }
  });

  it("composes every primary composite and every Hangul syllable", () => {
    for (const [composite, parts] of composites) {
      assert.deepEqual(normalize(parts), { normalized: [composite], isNormalized: false });
    }
    for (let syllable = 0xac00; syllable <= 0xd7a3; syllable++) {
      const parts = Array.from(String.fromCharCode(syllable).normalize("NFD"), (part) => part.charCodeAt(0));
      assert.deepEqual(normalize(parts), { normalized: [syllable], isNormalized: false });
    }
  });

  it("moves the marks before U+0345 that the oracle moves, and no others", () => {
    const moves = isIn(tables.nfc_moves_before_0345);
    for (let codePoint = 0x300; codePoint < 0x20000; codePoint++) {
      if (changed.has(codePoint) || (codePoint >= 0xd800 && codePoint < 0xe000)) continue;
      const { normalized, isNormalized } = normalize([0x71, 0x345, codePoint]);
      const expected = moves[codePoint] === 1 ? [0x71, codePoint, 0x345] : [0x71, 0x345, codePoint];
      if (String(normalized) !== String(expected))
        assert.deepEqual(normalized, expected, `U+${codePoint.toString(16)}`);
      if (moves[codePoint] === 1) assert.equal(isNormalized, false);
    }
  });

  it("agrees with String.normalize on texts of characters that both have known for long", () => {
    const known = [
      ...changed.keys(),
      ...composites.keys(),
      ...[...composites.values()].flat(),
      0x1100,
      0x1161,
      0x11a8,
      0xac00,
    ];
    const marks = tables.nfc_moves_before_0345.flatMap(([first, last]) => [first, last]);
    const texts = fc.array(
      fc.oneof(fc.constantFrom(...known), fc.constantFrom(...marks), fc.constantFrom(0x61, 0x20)),
      {
        maxLength: 10,
      },
    );
    fc.assert(
      fc.property(texts, (codePoints) => {
        const expected = String.fromCodePoint(...codePoints).normalize("NFC");
        const { normalized, isNormalized } = normalize(codePoints);
        assert.equal(String.fromCodePoint(...normalized), expected);
        if (isNormalized) assert.deepEqual(normalized, codePoints);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("WordScanner", () => {
  it("splits as the published pattern with the oracle's classes", () => {
    const scanner = new WordScanner(classes);
    const pattern = plainPattern(tables);
    fc.assert(
      fc.property(awkwardTexts, (text) => {
        const bytes = utf8.encode(text);
        const words: string[] = [];
        for (let at = 0; at < bytes.length;) {
          const end = scanner.wordEnd(bytes, at, bytes.length);
          words.push(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(at, end)));
          at = end;
        }
        assert.deepEqual(words, Buffer.from(bytes).toString().match(pattern) ?? []);
      }),
      { numRuns: 3000 },
    );
  });

  it("takes the oracle's contractions and no others", () => {
    const scanner = new WordScanner(classes);
    const single = new Set(tables.contraction_single_char_after_apostrophe);
    for (let codePoint = 0; codePoint < 0x3000; codePoint++) {
      const bytes = utf8.encode(`'${String.fromCodePoint(codePoint)}x`);
      const isContraction = scanner.wordEnd(bytes, 0, bytes.length) === 1 + utf8Length(codePoint);
      const isLetter = ((classes[codePoint] ?? 0) & LETTER) !== 0;
      if (isLetter) assert.equal(isContraction, single.has(codePoint), `U+${codePoint.toString(16)}`);
    }
    for (const two of ["re", "Re", "ve", "VE", "ll", "lL", "la", "rs", "el", "r", "l", "v"]) {
      const bytes = utf8.encode(`'${two}xx`);
      assert.equal(scanner.wordEnd(bytes, 0, bytes.length) === 3, tables.contraction_two_chars.includes(two), two);
    }
  });
});

describe("UTF-8", () => {
  it("is written and read back for every code point", () => {
    const bytes = new Uint8Array(4);
    for (let codePoint = 0; codePoint < 0x110000; codePoint += codePoint < 0x3000 ? 1 : 61) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      const length = writeCodePoint(bytes, 0, codePoint);
      assert.equal(
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, length)),
        String.fromCodePoint(codePoint),
      );
      assert.deepEqual(codePointsOf(bytes, 0, length), [codePoint]);
    }
  });
});
