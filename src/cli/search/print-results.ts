import { printable, type Style } from "../terminal.ts";
import type { SearchResult } from "./results.ts";
import { termsOf } from "./terms.ts";

/** `path:line  score  headings`, then the snippet with the query's words in bold. */
export function formatResults(results: readonly SearchResult[], terms: ReadonlySet<string>, style: Style): string {
  return results.map((result) => formatResult(result, terms, style)).join("\n");
}

function formatResult(result: SearchResult, terms: ReadonlySet<string>, { bold, dim }: Style): string {
  const place = printable(`${result.path}:${result.line}`);
  const headings = printable(result.headings.join(" › "));
  const head = [bold(place), result.score.toFixed(2), headings && dim(headings)].filter(Boolean).join("  ");
  const lines = printable(result.snippet)
    .split("\n")
    .map((line) => `    ${emphasise(line, terms, bold)}`);
  const [first] = result.alsoAt;
  const more = result.alsoAt.length > 1 ? ` and ${result.alsoAt.length - 1} more` : "";
  const also = first === undefined ? [] : [dim(`    also at ${printable(first)}${more}`)];
  return `${[head, ...lines, ...also].map((line) => line.trimEnd()).join("\n")}\n`;
}

function emphasise(line: string, terms: ReadonlySet<string>, bold: (text: string) => string): string {
  return line.replace(/[\p{L}\p{M}\p{N}]+/gu, (word) =>
    termsOf(word).some((term) => terms.has(term)) ? bold(word) : word,
  );
}
