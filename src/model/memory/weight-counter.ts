import { bytesPerWeight } from "../../core/dtype.ts";
import type { Backend, Matrix, MatrixSource, MatrixUse, Norm } from "../../kernels/backend.ts";
import { keptBytes, keptNormBytes, type Place, type WeightKeeper } from "../../kernels/kept-bytes.ts";

/** Stands in for a backend while a model is loaded as if, reading no matrix, and adds up what its weights would take. */
export class WeightCounter implements Pick<Backend, "loadMatrix" | "loadNorm"> {
  /** Bytes of all weights, by where they are kept. */
  readonly bytes: Record<Place, number> = { host: 0, wasm: 0, gpu: 0 };
  /** Bytes that the largest matrix for products has in the checkpoint. */
  largest = 0;
  readonly #keeper: WeightKeeper;

  constructor(keeper: WeightKeeper) {
    this.#keeper = keeper;
  }

  async loadMatrix(source: MatrixSource, use: MatrixUse): Promise<Matrix> {
    const { name, rows, columns, dtype } = source;
    this.#add(keptBytes(this.#keeper, source, use));
    if (use !== "table") this.largest = Math.max(this.largest, rows * columns * bytesPerWeight(dtype));
    return { name, rows, columns };
  }

  loadNorm(name: string, { length: width }: Float32Array, eps: number): Norm {
    this.#add(keptNormBytes(this.#keeper, width));
    return { name, width, eps };
  }

  #add({ bytes, place }: { readonly bytes: number; readonly place: Place }): void {
    this.bytes[place] += bytes;
  }
}
