import type { RotaryTable } from "../kernels/backend.ts";

/**
 * cos and sin of every angle RoPE needs, grown by doubling as longer texts come.
 *
 * transformers computes inverse frequencies and angles in float32, which at position 40,959 moves an angle by 2e-3; we
 * round where it rounds, so that long texts agree. (torch's float32 pow is not always the nearest: for θ = 1e6 and D = 128
 * one of its 64 inverse frequencies is an ulp away from ours.)
 */
export class RotaryEmbedding {
  readonly #inverseFrequencies: Float32Array;
  #table: RotaryTable;

  /** @param theta the base θ of the frequencies θ^(−2i/headDim) */
  constructor(headDim: number, theta: number) {
    this.#inverseFrequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => {
      return 1 / Math.fround(theta ** Math.fround((2 * i) / headDim));
    });
    this.#table = buildTable(this.#inverseFrequencies, 0);
  }

  /** A table of at least `positions` positions; the same object until it has to grow. */
  upTo(positions: number): RotaryTable {
    if (positions > this.#table.positions) {
      this.#table = buildTable(this.#inverseFrequencies, Math.max(positions, 2 * this.#table.positions, 512));
    }
    return this.#table;
  }
}

function buildTable(inverseFrequencies: Float32Array, positions: number): RotaryTable {
  const halfDim = inverseFrequencies.length;
  const cos = new Float32Array(positions * halfDim);
  const sin = new Float32Array(positions * halfDim);
  for (let position = 0; position < positions; position++) {
    for (const [i, frequency] of inverseFrequencies.entries()) {
      const angle = Math.fround(position * frequency);
      cos[position * halfDim + i] = Math.cos(angle);
      sin[position * halfDim + i] = Math.sin(angle);
    }
  }
  return { positions, halfDim, cos, sin };
}
