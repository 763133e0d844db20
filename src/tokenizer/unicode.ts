import { COMBINING_CLASSES, COMPOSITES, LETTERS, NUMBERS, REPLACED, SPACES, WORD_CHARACTERS } from "./unicode-data.ts";

/** Bits of a code point's class, as the original's regex engine and NFC see it (about Unicode 16 and 9). */
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 4;
/** `\r` or `\n`; always together with SPACE. */
export const NEWLINE = 8;
/** What a `single_word` token may not stand beside. */
export const WORD = 32;
/** A text without any such code point is in NFC. */
export const MAY_CHANGE_IN_NFC = 16;

const CODE_POINTS = 0x110000;

/** Reads a table of unicode-data.ts. */
export function unpack(table: string): number[][] {
  let previous = 0;
  return table.split(",").map((tuple) => {
    const numbers = tuple.split(" ").map((digits) => Number.parseInt(digits, 36));
    previous += numbers[0] ?? 0;
    numbers[0] = previous;
    return numbers;
  });
}

/** The class bits of every code point. */
export function codePointClasses(): Uint8Array {
  const classes = new Uint8Array(CODE_POINTS);
  const mark = (first: number, count: number, bit: number): void => {
    for (let codePoint = first; codePoint < first + count; codePoint++) {
      classes[codePoint] = (classes[codePoint] as number) | bit;
    }
  };
  for (const [first = 0, extra = 0] of unpack(LETTERS)) mark(first, extra + 1, LETTER);
  for (const [first = 0, extra = 0] of unpack(NUMBERS)) mark(first, extra + 1, NUMBER);
  for (const [first = 0, extra = 0] of unpack(SPACES)) mark(first, extra + 1, SPACE);
  for (const [first = 0, extra = 0] of unpack(WORD_CHARACTERS)) mark(first, extra + 1, WORD);
  mark(0x0a, 1, NEWLINE);
  mark(0x0d, 1, NEWLINE);
  for (const [first = 0, extra = 0] of unpack(COMBINING_CLASSES)) mark(first, extra + 1, MAY_CHANGE_IN_NFC);
  for (const [, , second = 0] of unpack(COMPOSITES)) mark(second, 1, MAY_CHANGE_IN_NFC);
  for (const [replaced = 0] of unpack(REPLACED)) mark(replaced, 1, MAY_CHANGE_IN_NFC);
  mark(0x1161, 21, MAY_CHANGE_IN_NFC); // Hangul vowels and trailing consonants join the syllable before them
  mark(0x11a8, 27, MAY_CHANGE_IN_NFC);
  return classes;
}
