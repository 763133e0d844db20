import type { Activation } from "../kernels/backend.ts";
import type { Captured } from "./captured.ts";

/** The activation as it is: [T, width]. */
export function whole(x: Activation): Captured {
  return { sources: [x], toTensor: ([data = new Float32Array()]) => ({ shape: [x.rows, x.width], data }) };
}

/** Columns `start` up to `end`: [T, end − start]. */
export function columns(x: Activation, start: number, end: number): Captured {
  const width = end - start;
  return picked(x, [x.rows, width], (t, i) => t * x.width + start + i);
}

/** Every second column from `first` on: [T, width / 2]. */
export function everySecond(x: Activation, first: 0 | 1): Captured {
  return picked(x, [x.rows, x.width / 2], (t, i) => t * x.width + 2 * i + first);
}

/** Split by heads: [T, heads, D]. */
export function heads(x: Activation, headDim: number): Captured {
  return {
    sources: [x],
    toTensor: ([data = new Float32Array()]) => ({ shape: [x.rows, x.width / headDim, headDim], data }),
  };
}

/** Split by heads and transposed: [heads, T, D]. */
export function headsFirst(x: Activation, headDim: number): Captured {
  const count = x.width / headDim;
  return picked(x, [count, x.rows, headDim], (row, d) => {
    const head = Math.floor(row / x.rows);
    return (row % x.rows) * x.width + head * headDim + d;
  });
}

/** A function of every value. */
export function map(captured: Captured, f: (value: number) => number): Captured {
  return {
    sources: captured.sources,
    toTensor: (data) => {
      const { shape, data: values } = captured.toTensor(data);
      return { shape, data: values.map(f) };
    },
  };
}

/** A tensor whose value at [row, i], with the last axis as i and all others flattened to row, comes from `from(row, i)`. */
function picked(x: Activation, shape: readonly number[], from: (row: number, i: number) => number): Captured {
  const width = shape.at(-1) ?? 1;
  return {
    sources: [x],
    toTensor: ([data = new Float32Array()]) => ({
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => {
        return data[from(Math.floor(index / width), index % width)] ?? Number.NaN;
      }),
    }),
  };
}
