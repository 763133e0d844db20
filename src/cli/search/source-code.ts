import { indentation, isBlank, linesOf } from "./lines.ts";
import type { Block } from "./passage.ts";

const CLOSER = /^(?:[\])}>]|end\b|fi\b|done\b|esac\b|else\b|elif\b|except\b|finally\b|catch\b)/;

/**
 * Top-level units of any programming language: a new one begins after a blank line, at the smallest indentation, unless
 * the line closes what is open. A comment stays with what follows it.
 */
export function codeBlocks(text: string): Block[] {
  const blocks: { start: number; end: number }[] = [];
  let afterBlank = true;
  for (const line of linesOf(text)) {
    if (isBlank(line)) {
      afterBlank = true;
      continue;
    }
    const begins = afterBlank && indentation(line.text) === 0 && !CLOSER.test(line.text);
    const open = blocks.at(-1);
    if (open === undefined || begins) blocks.push({ start: line.start, end: line.end });
    else open.end = line.end;
    afterBlank = false;
  }
  return blocks;
}

/** Paragraphs: runs of lines between blank lines. */
export function paragraphs(text: string): Block[] {
  const blocks: { start: number; end: number }[] = [];
  let afterBlank = true;
  for (const line of linesOf(text)) {
    const open = blocks.at(-1);
    if (isBlank(line)) afterBlank = true;
    else if (open === undefined || afterBlank) blocks.push({ start: line.start, end: line.end });
    else open.end = line.end;
    if (!isBlank(line)) afterBlank = false;
  }
  return blocks;
}
