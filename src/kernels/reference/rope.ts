import type { RotaryTable } from "../backend.ts";
import { HostTensor } from "./host-tensor.ts";

/**
 * Rotary position embedding in the rotate-half pairing: within each head, element i turns with element i + D/2 by the
 * angle position · θ^(−2i/D). x [T, heads·D], positions [T] → [T, heads·D]
 */
export function rope(x: HostTensor, positions: Uint32Array, { cos, sin, halfDim }: RotaryTable): HostTensor {
  const out = new HostTensor(x.rows, x.width);
  for (const [t, position] of positions.entries()) {
    for (let head = t * x.width; head < (t + 1) * x.width; head += 2 * halfDim) {
      for (let i = 0; i < halfDim; i++) {
        const c = cos[position * halfDim + i] as number;
        const s = sin[position * halfDim + i] as number;
        const first = x.data[head + i] as number;
        const second = x.data[head + halfDim + i] as number;
        out.data[head + i] = first * c - second * s;
        out.data[head + halfDim + i] = second * c + first * s;
      }
    }
  }
  return out;
}
