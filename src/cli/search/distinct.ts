import type { Passage } from "./passage.ts";
import { textHash } from "./vector-index.ts";

/** A passage, and the places where the same text stands again. */
export interface DistinctPassage {
  readonly passage: Passage;
  readonly copies: readonly Passage[];
  /** What is embedded. */
  readonly embedded: string;
  readonly hash: string;
}

/** Passages without their copies: each text is embedded, ranked and printed once. */
export function distinctPassages(passages: readonly Passage[]): DistinctPassage[] {
  const groups = new Map<string, { passage: Passage; copies: Passage[]; embedded: string; hash: string }>();
  for (const passage of passages) {
    const embedded = embeddedText(passage);
    const group = groups.get(embedded);
    if (group === undefined) groups.set(embedded, { passage, copies: [], embedded, hash: textHash(embedded) });
    else group.copies.push(passage);
  }
  return Array.from(groups.values());
}

/** A passage out of the middle of a section would not say what it is about. */
function embeddedText({ headings, text }: Passage): string {
  return headings.length === 0 ? text : `${headings.join(" › ")}\n${text}`;
}
