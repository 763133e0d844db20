import type { DistinctPassage } from "./distinct.ts";
import type { RankedPassage } from "./rank.ts";
import { snippetOf } from "./snippet.ts";
import { queryTermsOf } from "./terms.ts";

/** One line of the answer, as `--json` prints it. */
export interface SearchResult extends Omit<RankedPassage, "index"> {
  readonly path: string;
  /** Where the snippet begins, counted from 1. */
  readonly line: number;
  /** The passage's first and last line. */
  readonly startLine: number;
  readonly endLine: number;
  readonly headings: readonly string[];
  readonly snippet: string;
  readonly text: string;
  /** Where the same text stands again, as path:line. */
  readonly alsoAt: readonly string[];
}

/** The best of a ranking; overlapping passages whose snippets begin at the same line count once. */
export function topResults(
  query: string,
  passages: readonly DistinctPassage[],
  ranking: readonly RankedPassage[],
  top: number,
): SearchResult[] {
  const terms = new Set(queryTermsOf(query));
  const results = new Map<string, SearchResult>();
  for (const { index, ...scores } of ranking) {
    if (results.size >= top) break;
    const found = passages[index];
    if (found === undefined) continue;
    const { path, startLine, endLine, headings, text } = found.passage;
    const { line, lines } = snippetOf(found.passage, terms);
    const place = `${path}:${line}`;
    if (results.has(place)) continue;
    const alsoAt = found.copies.map((copy) => `${copy.path}:${copy.startLine + line - startLine}`);
    results.set(place, {
      path,
      line,
      startLine,
      endLine,
      ...scores,
      headings,
      snippet: lines.join("\n"),
      text,
      alsoAt,
    });
  }
  return Array.from(results.values());
}
