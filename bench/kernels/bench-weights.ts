import type { WeightDType } from "../../src/core/dtype.ts";
import { bytesPerWeight } from "../../src/core/dtype.ts";
import type { Backend, Matrix, MatrixSource, MatrixUse, Norm } from "../../src/kernels/backend.ts";
import { RandomWeights } from "../synthetic/random-weights.ts";

/** Random weights of one backend, each size made once. */
export class BenchWeights {
  readonly #backend: Backend;
  readonly #dtype: WeightDType;
  readonly #random: RandomWeights;
  readonly #matrices = new Map<string, Promise<Matrix>>();

  constructor(backend: Backend, dtype: WeightDType = "BF16") {
    this.#backend = backend;
    this.#dtype = dtype;
    this.#random = new RandomWeights(1, dtype);
  }

  matrix(rows: number, columns: number, use: MatrixUse = "product"): Promise<Matrix> {
    const name = `${use} ${rows} × ${columns}`;
    const known = this.#matrices.get(name) ?? this.#backend.loadMatrix(this.#source(name, rows, columns), use);
    this.#matrices.set(name, known);
    return known;
  }

  norm(width: number): Norm {
    return this.#backend.loadNorm(`norm ${width}`, new Float32Array(width).fill(1), 1e-6);
  }

  #source(name: string, rows: number, columns: number): MatrixSource {
    const Stored = this.#dtype === "F32" ? Uint32Array : Uint16Array;
    return {
      name,
      rows,
      columns,
      dtype: this.#dtype,
      readRows: async (start, count, into) => {
        const block = new Stored(count * columns);
        this.#random.write(block, rows + columns, start * columns, "matrix");
        into.set(new Uint8Array(block.buffer, 0, count * columns * bytesPerWeight(this.#dtype)));
      },
    };
  }
}
