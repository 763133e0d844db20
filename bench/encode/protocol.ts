/** What is asked of a process under test; replies are of the types below. */
export type Request =
  | { readonly kind: "open"; readonly driver: string; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: "encode"; readonly texts: readonly string[]; readonly returnVectors: boolean }
  | { readonly kind: "count"; readonly texts: readonly string[] }
  | { readonly kind: "close" };

/** The model is ready. */
export interface Opened {
  /** Device, versions, settings: whatever tells what was measured. */
  readonly about: Readonly<Record<string, string | number | boolean>>;
  readonly loadMs: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
}

export interface Encoded {
  readonly ms: number;
  /** CPU time of all threads. */
  readonly cpuMs: number;
  /** The longest that a timer due every millisecond was late. `null` where the runtime has no event loop. */
  readonly loopDelayMs: number | null;
  /** What the host does before a GPU starts, where that can be told. */
  readonly submitMs: number | null;
  readonly peakBytes: number;
  /** base64 of little-endian float32, one per text, if asked for. */
  readonly vectors: readonly string[] | null;
}

export interface Counted {
  readonly tokens: readonly number[];
}
