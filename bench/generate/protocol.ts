/** What is asked of a process that generates; replies are of the types below. */
export type Request =
  | { readonly kind: "open"; readonly driver: string; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: "generate"; readonly prompt: string; readonly newTokens: number }
  | { readonly kind: "close" };

export interface Opened {
  readonly about: Readonly<Record<string, string | number | boolean>>;
  /** Bytes of weights that a token is multiplied with, as the runtime keeps them. */
  readonly weightBytes: number;
  /** Whether they lie in the host's memory, as they do for a GPU that is none. */
  readonly inHostMemory: boolean;
}

export interface Generated {
  /** The likeliest token each time. */
  readonly ids: readonly number[];
  /** Until the first token is there: reading the prompt. */
  readonly firstMs: number;
  /** From the first token to the last. */
  readonly restMs: number;
}

/** A runtime that generates. Each of its files exports `open`. */
export interface GenerateDriver extends Opened {
  /** Greedy, and never stopping early. */
  generate(prompt: string, newTokens: number): AsyncIterable<number>;
  close(): Promise<void>;
}

export interface GenerateDriverModule {
  open(options: Readonly<Record<string, string>>): Promise<GenerateDriver>;
}
