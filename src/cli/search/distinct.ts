import type { Passage } from "./passage.ts";
import { embeddedText, wordsText } from "./searched-text.ts";
import { textHash } from "./vector-index.ts";

/** A passage, and the places where the same text stands again. */
export interface DistinctPassage {
  readonly passage: Passage;
  readonly copies: readonly Passage[];
  /** What is embedded. */
  readonly embedded: string;
  readonly hash: string;
}

/** Passages without their copies, each embedded, ranked and printed once, and without those that say nothing. */
export function distinctPassages(passages: readonly Passage[]): DistinctPassage[] {
  const groups = new Map<string, { passage: Passage; copies: Passage[]; embedded: string; hash: string }>();
  for (const passage of passages) {
    if (wordsText(passage).trim() === "") continue;
    const key = JSON.stringify([passage.headings, passage.text]);
    const group = groups.get(key);
    if (group !== undefined) {
      group.copies.push(passage);
      continue;
    }
    const embedded = embeddedText(passage);
    groups.set(key, { passage, copies: [], embedded, hash: textHash(embedded) });
  }
  return Array.from(groups.values());
}
