import { indentation } from "./lines.ts";
import type { Block } from "./passage.ts";

/** Cuts a block longer than `limit` characters where it hurts least. The pieces follow each other without a gap. */
export function cutBlock(text: string, block: Block, limit: number): Block[] {
  const pieces: Block[] = [];
  let start = block.start;
  while (block.end - start > limit) {
    const cut = bestCut(text, start + Math.floor(limit / 2), start + limit);
    pieces.push({ start, end: cut });
    start = cut;
  }
  pieces.push({ start, end: block.end });
  return pieces;
}

/** The best offset in (from, to]: before a line that follows a blank one, before a line, a sentence, a word. */
function bestCut(text: string, from: number, to: number): number {
  const window = text.slice(from, to);
  const afterBlankLine = starts(window, /\n[^\S\n]*\n(?=\s*\S)/g);
  const lines = afterBlankLine.length > 0 ? afterBlankLine : starts(window, /\n/g);
  const outermost = leastIndented(text, from, lines);
  if (outermost !== undefined) return outermost;
  const sentence = starts(window, /[.!?][)"'’”]*\s+|[。！？]/g).at(-1) ?? starts(window, /\s+/g).at(-1);
  return sentence === undefined ? wholeCharacter(text, to) : from + sentence;
}

/** Offsets right after every match. */
function starts(window: string, separator: RegExp): number[] {
  return Array.from(window.matchAll(separator), (match) => match.index + match[0].length);
}

/** Of several line starts, the last of those that are indented least. */
function leastIndented(text: string, from: number, offsets: readonly number[]): number | undefined {
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const offset of offsets) {
    const width = indentation(text.slice(from + offset, from + offset + 80));
    if (width > least) continue;
    least = width;
    best = from + offset;
  }
  return best;
}

/** Moves an offset off the middle of a surrogate pair. */
function wholeCharacter(text: string, offset: number): number {
  const unit = text.charCodeAt(offset);
  return unit >= 0xdc00 && unit <= 0xdfff ? offset - 1 : offset;
}
