import { Qwen3Error } from "../../core/errors.ts";
import { bytesPerWeight, type WeightDType } from "../../core/dtype.ts";
import type { Activation, Matrix, Norm } from "../backend.ts";
import type { Recorder, Value } from "./program.ts";

/** A float32 `[rows, width]` of a recording. */
export class WasmActivation implements Activation {
  readonly rows: number;
  readonly width: number;
  readonly value: Value;

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

/** Weights in shared memory. */
export class WasmMatrix implements Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: WeightDType;
  /** Column panels for products, or plain rows for a table that is only looked up. */
  readonly layout: "panels" | "rows";
  readonly address: number;

  constructor(matrix: Omit<WasmMatrix, "suffix" | "byteLength">) {
    this.name = matrix.name;
    this.rows = matrix.rows;
    this.columns = matrix.columns;
    this.dtype = matrix.dtype;
    this.layout = matrix.layout;
    this.address = matrix.address;
  }

  get byteLength(): number {
    return this.rows * this.columns * bytesPerWeight(this.dtype);
  }

  /** How the names of kernels for these weights end. */
  get suffix(): string {
    return KERNEL_SUFFIX[this.dtype];
  }
}

const KERNEL_SUFFIX = { F32: "F32", BF16: "Bf16", F16: "F16" } as const satisfies Record<WeightDType, string>;

export class WasmNorm implements Norm {
  readonly name: string;
  readonly width: number;
  readonly eps: number;
  readonly address: number;

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
