import { LETTERS, NUMBERS, SPACES } from "./unicode-data.ts";

/** Bits of a code point's class, as the original's regex engine sees it (about Unicode 16). */
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 4;
/** `\r` or `\n`; always together with SPACE. */
export const NEWLINE = 8;

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
  const fill = (table: string, bits: number): void => {
    for (const [first = 0, extra = 0] of unpack(table)) classes.fill(bits, first, first + extra + 1);
  };
  fill(LETTERS, LETTER);
  fill(NUMBERS, NUMBER);
  fill(SPACES, SPACE);
  classes[0x0a] = SPACE | NEWLINE;
  classes[0x0d] = SPACE | NEWLINE;
  return classes;
}
