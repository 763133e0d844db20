/** A piece of a file that is found as one. */
export interface Passage {
  /** As it is printed, with forward slashes. */
  readonly path: string;
  /** Titles of the enclosing sections, outermost first; empty for code and plain text. */
  readonly headings: readonly string[];
  /** First line, counted from 1. */
  readonly startLine: number;
  /** Last line that is part of the passage. */
  readonly endLine: number;
  /** Where `text` begins in the file's text. */
  readonly start: number;
  readonly text: string;
}

/** A stretch of a file that belongs together: a paragraph, a list, a code block, a function. Offsets into the text. */
export interface Block {
  readonly start: number;
  readonly end: number;
}

/** Consecutive blocks below one heading. Passages never cross from one section into the next. */
export interface Section {
  readonly headings: readonly string[];
  readonly blocks: readonly Block[];
}
