import type { Kind } from "./corpus.ts";

/** One contender in a fresh process: load, two passes over the corpus, and what is asked for beside. */
export interface Request {
  readonly contender: string;
  /** Also return a digest of every document's ids. */
  readonly digests: boolean;
  /** Also time one short text, and long texts of one kind of character. */
  readonly extras: boolean;
}

export interface Measured {
  /** Version of the Node that measured. */
  readonly node: string;
  readonly loadMs: number;
  /** Cold: nothing cached, nothing compiled yet. */
  readonly firstMs: Readonly<Record<Kind, number>>;
  readonly secondMs: Readonly<Record<Kind, number>>;
  readonly tokens: number;
  readonly digests: readonly string[] | null;
  /** Median of one short query, in microseconds. */
  readonly queryUs: number | null;
  /** Nanoseconds per byte of 1 MB of … */
  readonly longNs: Readonly<Record<string, number>> | null;
}
