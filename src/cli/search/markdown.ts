import { isBlank, type Line, linesOf } from "./lines.ts";
import type { Block, Section } from "./passage.ts";

interface Heading {
  readonly level: number;
  readonly title: string;
}

const ATX = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const NOT_A_TITLE = /^(?: {4}|\t| {0,3}(?:[-+*>|#]|\d+[.)])(?:\s|$))/;

/** Sections by heading, blocks by blank line; fenced code, front matter and what a fence holds stay whole. */
export function markdownSections(text: string): Section[] {
  const lines = linesOf(text);
  const sections: { headings: string[]; blocks: Block[] }[] = [{ headings: [], blocks: [] }];
  const trail: Heading[] = [];
  for (let i = 0; i < lines.length;) {
    if (isBlankLine(lines, i)) {
      i += 1;
      continue;
    }
    const heading = headingAt(lines, i);
    if (heading !== undefined) {
      while ((trail.at(-1)?.level ?? 0) >= heading.level) trail.pop();
      trail.push(heading);
      sections.push({ headings: trail.map(({ title }) => title), blocks: [] });
    }
    const end = heading === undefined ? blockEnd(lines, i) : i + heading.lines;
    sections.at(-1)?.blocks.push({ start: lines[i]?.start ?? 0, end: lines[end - 1]?.end ?? text.length });
    i = end;
  }
  return joinBareHeadings(sections.filter(({ blocks }) => blocks.length > 0));
}

/** `# Title`, or a paragraph's only line above `===` or `---`. */
function headingAt(lines: readonly Line[], index: number): (Heading & { readonly lines: number }) | undefined {
  const line = lines[index]?.text ?? "";
  const atx = ATX.exec(line);
  if (atx !== null) {
    const title = line
      .slice(atx[0].length)
      .trim()
      .replace(/(?:^|[ \t])#+$/, "");
    return { level: atx[1]?.length ?? 1, title: title.trim(), lines: 1 };
  }
  const underline = UNDERLINE.exec(lines[index + 1]?.text ?? "");
  const afterBlank = index === 0 || isBlankLine(lines, index - 1);
  const isTitle = line.trim() !== "" && !NOT_A_TITLE.test(line) && !UNDERLINE.test(line) && !FENCE.test(line);
  if (underline === null || !afterBlank || !isTitle) return undefined;
  return { level: underline[1]?.startsWith("=") === true ? 1 : 2, title: line.trim(), lines: 2 };
}

/** The line after the block that begins at `index`. */
function blockEnd(lines: readonly Line[], index: number): number {
  const first = lines[index]?.text ?? "";
  if (index === 0 && first.trim() === "---") {
    const close = lines.findIndex((line, i) => i > 0 && /^(?:---|\.\.\.)\s*$/.test(line.text));
    if (close > 0) return close + 1;
  }
  const fence = openFence(first);
  if (fence !== undefined) return fenceEnd(lines, index, fence);
  let end = index + 1;
  while (end < lines.length && !isBlankLine(lines, end)) {
    if (ATX.test(lines[end]?.text ?? "") || openFence(lines[end]?.text ?? "") !== undefined) break;
    end += 1;
  }
  return end;
}

function openFence(line: string): string | undefined {
  const match = FENCE.exec(line);
  // An info string with a backtick makes it inline code, by CommonMark 4.5.
  if (match === null || (match[1]?.startsWith("`") === true && match[2]?.includes("`") === true)) return undefined;
  return match[1];
}

/** A fence ends at a line of at least as many of the same characters, or with the file. */
function fenceEnd(lines: readonly Line[], index: number, fence: string): number {
  for (let i = index + 1; i < lines.length; i++) {
    const match = FENCE.exec(lines[i]?.text ?? "");
    if (match?.[1]?.startsWith(fence) === true && match[2]?.trim() === "") return i + 1;
  }
  return lines.length;
}

/** A heading without text of its own is read together with the section that follows. */
function joinBareHeadings(sections: readonly Section[]): Section[] {
  const joined: Section[] = [];
  let waiting: readonly Block[] = [];
  for (const [i, section] of sections.entries()) {
    const blocks = [...waiting, ...section.blocks];
    const isBare = section.headings.length > 0 && section.blocks.length === 1;
    if (isBare && i < sections.length - 1) {
      waiting = blocks;
    } else {
      joined.push({ headings: section.headings, blocks });
      waiting = [];
    }
  }
  return joined;
}

function isBlankLine(lines: readonly Line[], index: number): boolean {
  const line = lines[index];
  return line === undefined || isBlank(line);
}
