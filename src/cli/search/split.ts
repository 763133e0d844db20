import { extname } from "node:path";
import { cutBlock } from "./cut.ts";
import { lineCounter } from "./lines.ts";
import { markdownSections } from "./markdown.ts";
import type { Block, Passage, Section } from "./passage.ts";
import { codeBlocks, paragraphs } from "./source-code.ts";

/** Characters of new text in a passage: some 250 to 400 tokens, the length that the bundled model was trained on. */
export const PASSAGE_LENGTH = 1000;
/** Characters repeated from the passage before, so that a sentence on the border is found in its context. */
export const OVERLAP_LENGTH = 200;
/** What is shorter than this, such as a heading, is never a passage of its own if more follows. */
const SHORT_LENGTH = 100;

const MARKDOWN = new Set([".md", ".markdown", ".mdx", ".mkd"]);
const PROSE = new Set(["", ".txt", ".text", ".rst", ".adoc", ".asciidoc", ".org", ".tex", ".log", ".srt", ".vtt"]);

/** Splits a file by its structure into overlapping passages, in reading order. */
export function splitFile(path: string, text: string): Passage[] {
  const lineOf = lineCounter(text);
  return sectionsOf(path, text).flatMap(({ headings, blocks }) =>
    withOverlap(text, packBlocks(text, blocks)).map((range) => {
      const { start, end } = withoutBlankLines(text, range);
      return {
        path,
        headings,
        startLine: lineOf(start),
        endLine: lineOf(end - 1),
        start,
        text: text.slice(start, end),
      };
    }),
  );
}

function sectionsOf(path: string, text: string): Section[] {
  const extension = extname(path).toLowerCase();
  if (MARKDOWN.has(extension)) return markdownSections(text);
  return [{ headings: [], blocks: PROSE.has(extension) ? paragraphs(text) : codeBlocks(text) }];
}

/** Joins blocks up to the length of a passage and cuts those that are longer. */
function packBlocks(text: string, blocks: readonly Block[]): Block[] {
  const packed: { start: number; end: number }[] = [];
  for (const piece of blocks.flatMap((block) => cutBlock(text, block, PASSAGE_LENGTH))) {
    const open = packed.at(-1);
    const joins =
      open !== undefined && (piece.end - open.start <= PASSAGE_LENGTH || open.end - open.start < SHORT_LENGTH);
    if (joins) open.end = piece.end;
    else packed.push({ start: piece.start, end: piece.end });
  }
  return packed;
}

/** Lets each passage begin with the end of the one before. */
function withOverlap(text: string, passages: readonly Block[]): Block[] {
  return passages.map((passage, i) => {
    const before = passages[i - 1];
    return before === undefined ? passage : { start: overlapStart(text, before, passage.start), end: passage.end };
  });
}

/** Where the repeated part begins: a line if one starts within reach, else a sentence, else a word, else nowhere. */
function overlapStart(text: string, before: Block, start: number): number {
  const from = Math.max(before.start, before.end - OVERLAP_LENGTH);
  const tail = text.slice(from, before.end);
  for (const separator of [/\n/, /[.!?]\s+|[。！？]/, /\s+/]) {
    const match = separator.exec(tail);
    if (match === null) continue;
    const offset = match.index + match[0].length;
    if (tail.slice(offset).trim() !== "") return from + offset;
  }
  return start;
}

function withoutBlankLines(text: string, { start, end }: Block): Block {
  const blank = /^(?:[^\S\n]*\n)+/.exec(text.slice(start, end))?.[0].length ?? 0;
  return { start: start + blank, end: start + text.slice(start, end).trimEnd().length };
}
