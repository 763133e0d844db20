import { linesOf } from "./lines.ts";
import type { Passage } from "./passage.ts";
import { isImport } from "./searched-text.ts";
import { termsOf } from "./terms.ts";

const SNIPPET_LINES = 3;
const LINE_LENGTH = 160;

export interface Snippet {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly lines: readonly string[];
}

/** The few lines of a passage that hold most of the query's terms; the first ones with text if none holds any. */
export function snippetOf({ text, startLine, headings }: Passage, terms: ReadonlySet<string>): Snippet {
  const lines = linesOf(text).map((line) => line.text);
  // Titles are printed beside the place, so the snippet need not begin with them.
  const isTitle = (line: string): boolean => headings.length > 0 && /^ {0,3}#{1,6}\s/.test(line);
  const found = lines.map((line) =>
    isTitle(line) || isImport(line) ? [] : termsOf(line).filter((term) => terms.has(term)),
  );
  const firstText = lines.findIndex((line) => line.trim() !== "" && !isTitle(line) && !isImport(line));
  let best = Math.max(0, firstText);
  let most = 0;
  for (const [i, own] of found.entries()) {
    if (own.length === 0) continue; // the line number is to lead to a match
    const count = new Set(found.slice(i, i + SNIPPET_LINES).flat()).size;
    if (count <= most) continue;
    best = i;
    most = count;
  }
  const shown = lines.slice(best, best + SNIPPET_LINES).map((line) => cutLine(line, terms));
  while (shown.at(-1)?.trim() === "") shown.pop();
  return { line: startLine + best, lines: withoutIndent(shown) };
}

/** A long line around the first of the query's words in it. */
function cutLine(line: string, terms: ReadonlySet<string>): string {
  if (line.length <= LINE_LENGTH) return line;
  let at = 0;
  for (const { 0: word, index } of line.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    if (!termsOf(word).some((term) => terms.has(term))) continue;
    at = index;
    break;
  }
  const start = Math.max(0, Math.min(at - LINE_LENGTH / 4, line.length - LINE_LENGTH));
  const end = start + LINE_LENGTH;
  return `${start > 0 ? "…" : ""}${line.slice(start, end)}${end < line.length ? "…" : ""}`;
}

function withoutIndent(lines: readonly string[]): string[] {
  const indents = lines.filter((line) => line.trim() !== "").map((line) => /^\s*/.exec(line)?.[0].length ?? 0);
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(least));
}
