import { parse } from "node:path";
import type { Passage } from "./passage.ts";

/**
 * Lines that only name what stands elsewhere: a search for what is there must not find all who use it. TypeScript and
 * JavaScript, Python, C, Rust, C#.
 */
const IMPORT =
  /^(?:import\b.*["'].*|import [\w.]+(?: as \w+)?|from \S+ import .*|\} from ["'].*|export (?:type )?[{*].*|#include\b.*|use [\w:]+;|using [\w.]+;)\s*$/;

/** What is searched by words: the passage without its imports. */
export function wordsText({ text }: Passage): string {
  return text
    .split("\n")
    .filter((line) => !isImport(line))
    .join("\n");
}

/**
 * What is searched by meaning: the same below the file's name in words and the titles above it, because a passage out of
 * the middle of a section does not say what it is about. Not the folders, so that a file that is moved keeps its vectors.
 */
export function embeddedText(passage: Passage): string {
  const name = parse(passage.path).name.replace(/[-_.]+/g, " ");
  return `${[name, ...passage.headings].join(" › ")}\n${wordsText(passage)}`;
}

export function isImport(line: string): boolean {
  return IMPORT.test(line);
}
