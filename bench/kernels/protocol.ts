import type { ConfigSizes } from "../synthetic/shapes.ts";

/** One operation at one size. */
export interface CaseName {
  readonly op: string;
  readonly rows: number;
  readonly sizes: ConfigSizes;
}

/** What is asked of a process that runs kernels; replies are of the types below. */
export type Request =
  | { readonly kind: "open"; readonly driver: string; readonly options: Readonly<Record<string, string>> }
  /** Get ready for a case and run it until it is warm. */
  | { readonly kind: "prepare"; readonly case: CaseName }
  /** Measure the prepared case once. */
  | { readonly kind: "measure" }
  | { readonly kind: "close" };

export interface Opened {
  readonly about: Readonly<Record<string, string | number | boolean>>;
}

export interface Prepared {
  /** `false` for what this contender has no kernel for. */
  readonly supported: boolean;
}

export interface Measured {
  /** One run of the operation, without inputs, submission and readback. */
  readonly ms: number;
}

/** What a contender's module exports as `open`. */
export interface KernelDriver extends Opened {
  prepare(name: CaseName): Promise<boolean>;
  measure(): Promise<number>;
  close(): Promise<void>;
}

export interface KernelDriverModule {
  open(options: Readonly<Record<string, string>>): Promise<KernelDriver>;
}
