import { setFloat16 } from "@petamoriken/float16";
import { narrowToBf16 } from "../../src/core/bf16.ts";
import type { WeightDType } from "../../src/core/dtype.ts";
import type {
  Activation,
  Backend,
  Matrix,
  MatrixSource,
  MatrixUse,
  Norm,
  QkvResult,
  QkvWeights,
  Recording,
  RotaryTable,
} from "../../src/kernels/backend.ts";
import { matrixSource } from "./matrix-source.ts";
import { randomValues } from "./random.ts";

export interface InputOptions {
  /** This value in every row, at a column that moves from row to row. */
  readonly outlier?: number;
  /** Multiplies the other values. @default 1 */
  readonly scale?: number;
}

/** Makes the same inputs and weights on any backend, for a recording of one operation. */
export class OpRig {
  readonly backend: Backend;
  readonly ops: Recording;
  #seed = 1;

  constructor(backend: Backend) {
    this.backend = backend;
    this.ops = backend.record();
  }

  /** Random rows. [rows, width] */
  async input(rows: number, width: number, { outlier, scale = 1 }: InputOptions = {}): Promise<Activation> {
    const values = randomValues(rows * width, this.#seed++).map((value) => value * scale);
    if (outlier !== undefined) for (let row = 0; row < rows; row++) values[row * width + ((7 * row) % width)] = outlier;
    const table = await this.backend.loadMatrix(matrixSource("input", width, rowsOf(values, width)), "table");
    return this.ops.embed(
      table,
      Uint32Array.from({ length: rows }, (_, i) => i),
    );
  }

  /** Random weights, as large as a trained model's. [rows, columns] */
  matrix(rows: number, columns: number, dtype: WeightDType = "BF16", use: MatrixUse = "product"): Promise<Matrix> {
    const values = randomValues(rows * columns, this.#seed++).map((value) => value * 0.1);
    return this.backend.loadMatrix(storedAs(matrixSource("weight", columns, rowsOf(values, columns)), dtype), use);
  }

  norm(width: number, eps = 1e-6): Norm {
    return this.backend.loadNorm("norm", randomValues(width, this.#seed++).map((value) => 1 + value), eps); // oxfmt-ignore
  }

  async qkvWeights(heads: number, kvHeads: number, headDim: number, hidden: number): Promise<QkvWeights> {
    return {
      qkvProj: await this.matrix((heads + 2 * kvHeads) * headDim, hidden),
      numAttentionHeads: heads,
      numKeyValueHeads: kvHeads,
      qNorm: this.norm(headDim),
      kNorm: this.norm(headDim),
    };
  }

  async qkv(
    queries: number,
    keys: number,
    widths: { q: number; kv: number },
    options?: InputOptions,
  ): Promise<QkvResult> {
    const q = await this.input(queries, widths.q, options);
    const k = await this.input(keys, widths.kv, options);
    return { q, k, v: await this.input(keys, widths.kv) };
  }
}

/** Angles without meaning. */
export function rotaryTable(positions: number, headDim: number): RotaryTable {
  const halfDim = headDim / 2;
  const angles = randomValues(positions * halfDim, 99).map((value) => value * Math.PI);
  return { positions, halfDim, cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}

function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/** A float32 source stored as another dtype. */
function storedAs(source: MatrixSource, dtype: WeightDType): MatrixSource {
  if (dtype === "F32") return source;
  return {
    ...source,
    dtype,
    async readRows(start, count, into) {
      const values = new Float32Array(count * source.columns);
      await source.readRows(start, count, new Uint8Array(values.buffer));
      into.set(dtype === "BF16" ? narrowToBf16(values) : narrowToF16(values));
    },
  };
}

function narrowToF16(values: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  for (const [i, value] of values.entries()) setFloat16(view, 2 * i, value, true);
  return new Uint8Array(view.buffer);
}
