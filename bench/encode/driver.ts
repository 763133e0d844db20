/** A runtime under test, opened in a process of its own. Each file of bench/peers exports `open`. */
export interface Driver {
  readonly about: Readonly<Record<string, string | number | boolean>>;
  /** Normalised vectors in the order of the texts. */
  encode(texts: readonly string[]): Promise<readonly Float32Array[]>;
  /** Tokens of each text as this runtime sees it, so that nobody gets away with fewer. */
  countTokens(texts: readonly string[]): Promise<readonly number[]>;
  /** Time from the last call of `encode` to its first work given to a GPU: tokenizing, recording, submitting. */
  submitMs?(): number;
  close(): Promise<void>;
}

export interface DriverModule {
  open(options: Readonly<Record<string, string>>): Promise<Driver>;
}
