import type { WeightDType } from "../../src/core/dtype.ts";
import { bytesPerWeight } from "../../src/core/dtype.ts";
import type { Backend, Matrix, MatrixSource, MatrixUse, Norm } from "../../src/kernels/backend.ts";
import { RandomWeights } from "../synthetic/random-weights.ts";

/** More than the last-level caches of what this is likely to run on. */
const BEYOND_CACHES = 128e6;

/** Random weights of one backend, each size made once. */
export class BenchWeights {
  readonly #backend: Backend;
  readonly #dtype: WeightDType;
  readonly #productBytes: number;
  readonly #random: RandomWeights;
  readonly #matrices = new Map<string, Promise<Matrix>>();

  /** @param productBytes how much the copies of one product's weights take together, at least */
  constructor(backend: Backend, dtype: WeightDType = "BF16", productBytes: number = BEYOND_CACHES) {
    this.#backend = backend;
    this.#productBytes = productBytes;
    this.#dtype = dtype;
    this.#random = new RandomWeights(1, dtype);
  }

  table(rows: number, columns: number): Promise<Matrix> {
    return this.#matrix(`table ${rows} × ${columns}`, rows, columns, "table");
  }

  /** Several of the same size, to be used in turn: a model's weights do not stay in a cache from layer to layer. */
  async products(rows: number, columns: number): Promise<Matrix[]> {
    const copies = Math.ceil(this.#productBytes / (rows * columns * bytesPerWeight(this.#dtype)));
    const names = Array.from({ length: copies }, (_, i) => `product ${rows} × ${columns}, ${i}`);
    const matrices: Matrix[] = [];
    for (const name of names) matrices.push(await this.#matrix(name, rows, columns, "product"));
    return matrices;
  }

  norm(width: number): Norm {
    return this.#backend.loadNorm(`norm ${width}`, new Float32Array(width).fill(1), 1e-6);
  }

  #matrix(name: string, rows: number, columns: number, use: MatrixUse): Promise<Matrix> {
    const known = this.#matrices.get(name) ?? this.#backend.loadMatrix(this.#source(name, rows, columns), use);
    this.#matrices.set(name, known);
    return known;
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
