/**
 * What the bench and a process under test say to each other: JSON lines, requests on stdin and replies on stdout. Lines of
 * stdout that do not begin with the mark are whatever the runtime under test printed.
 */
export const REPLY_MARK = "@bench ";

/** How to begin; the first line a child gets. */
export interface OpenRequest {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

export type Request =
  | { readonly kind: "encode"; readonly texts: readonly string[]; readonly returnVectors: boolean }
  | { readonly kind: "count"; readonly texts: readonly string[] }
  | { readonly kind: "close" };

/** Sent when the model is ready. */
export interface Opened {
  /** Device, versions, settings: whatever tells what was measured. */
  readonly about: Readonly<Record<string, string | number | boolean>>;
  readonly loadMs: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
}

export interface Encoded {
  readonly ms: number;
  /** CPU time of all threads, as a share of the wall time: 2 is two busy cores. */
  readonly busyCores: number;
  /** The longest that a timer due every millisecond was late. `null` where the runtime has no event loop. */
  readonly loopDelayMs: number | null;
  readonly peakBytes: number;
  /** base64 of little-endian float32, one per text, if asked for. */
  readonly vectors: readonly string[] | null;
}

export interface Counted {
  readonly tokens: readonly number[];
}
