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
  /** Run a case once and return its result. */
  | { readonly kind: "compute"; readonly case: CaseName }
  | { readonly kind: "close" };

export interface Opened {
  readonly about: Readonly<Record<string, string | number | boolean>>;
  /** What the device can do at most, if that could be measured. */
  readonly roofline?: { readonly gflops: number; readonly gbs: number } | undefined;
}

export interface Prepared {
  /** `false` for what this contender has no kernel for. */
  readonly supported: boolean;
}

export interface Measured {
  /** One run of the operation by the clock, without inputs, submission and readback. */
  readonly ms: number;
  /** The same by the device's own timestamps, if it has them. */
  readonly deviceMs?: number | undefined;
}

export interface Computed {
  /** base64 of the float32 result. */
  readonly values: string;
}

/** What a contender's module exports as `open`. */
export interface KernelDriver extends Opened {
  prepare(name: CaseName): Promise<boolean>;
  measure(): Promise<Measured>;
  /** Only our own backends can be asked for numbers. */
  compute?(name: CaseName): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface KernelDriverModule {
  open(options: Readonly<Record<string, string>>): Promise<KernelDriver>;
}
