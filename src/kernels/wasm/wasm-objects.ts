import { Qwen3Error } from "../../core/errors.ts";
import type { WeightDType } from "../../core/dtype.ts";
import type { Activation, Matrix, Norm } from "../backend.ts";
import type { Constant, Recorder, Value } from "./program.ts";

/** A float32 `[rows, width]` of a recording. */
export class WasmActivation implements Activation {
  readonly rows: number;
  readonly width: number;
  readonly value: Value;
  /** If this is the RMSNorm of another: a product then computes it on the way. */
  normOf: { readonly x: WasmActivation; readonly norm: WasmNorm } | undefined;

  constructor(rows: number, width: number, value: Value) {
    this.rows = rows;
    this.width = width;
    this.value = value;
  }
}

/** A new activation for a step to write. */
export function activation(recorder: Recorder, rows: number, width: number): WasmActivation {
  return new WasmActivation(rows, width, recorder.value(rows * width * 4));
}

/** How the values of a matrix lie in memory; the numbers are those of assembly/parts/widen.ts. */
export const WEIGHT_TYPES: Readonly<Record<WeightDType, number>> = { F32: 0, BF16: 1, F16: 2 };

/** Weights in shared memory, in column panels. */
export class WasmMatrix implements Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** How the names of kernels for these weights end. */
  readonly suffix: KernelSuffix;
  readonly address: number;
  readonly byteLength: number;
  /** Address of what eight-bit weights were divided by, float32 [columns] (assembly/quantize-weights.ts). */
  readonly balance: number;

  constructor(matrix: Omit<WasmMatrix, "balance"> & { readonly balance?: number }) {
    this.name = matrix.name;
    this.rows = matrix.rows;
    this.columns = matrix.columns;
    this.suffix = matrix.suffix;
    this.address = matrix.address;
    this.byteLength = matrix.byteLength;
    this.balance = matrix.balance ?? 0;
  }
}

export type KernelSuffix = "F32" | "Bf16" | "F16" | "I8" | "I16";

/** Of kernels for weights kept as stored. */
export const STORED_SUFFIX: Readonly<Record<WeightDType, KernelSuffix>> = { F32: "F32", BF16: "Bf16", F16: "F16" };

export class WasmNorm implements Norm {
  readonly name: string;
  readonly width: number;
  readonly eps: number;
  readonly address: Constant;

  constructor(norm: WasmNorm) {
    this.name = norm.name;
    this.width = norm.width;
    this.eps = norm.eps;
    this.address = norm.address;
  }
}

/** Narrows one of the contract's objects to this backend's own. */
export function own<T>(type: abstract new (...args: never[]) => T, object: object, what: string): T {
  if (object instanceof type) return object;
  throw new Qwen3Error(
    "invalid-argument",
    `this ${what} belongs to another backend; load it with the one that runs it`,
  );
}
