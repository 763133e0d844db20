import type { BufferSlice } from "../../core/gpu/gpu-buffer.ts";
import type { Activation } from "../backend.ts";

/** A value of a recording: a number for the plan, memory only once the recording runs. */
export class GpuActivation implements Activation {
  readonly rows: number;
  readonly width: number;
  /** Its place in the recording's list of values. */
  readonly index: number;

  constructor(index: number, rows: number, width: number) {
    this.index = index;
    this.rows = rows;
    this.width = width;
  }

  /** With every row padded to whole vec4s. */
  get byteLength(): number {
    return this.rows * quadsOf(this.width) * QUAD_BYTES;
  }
}

/** A float32 matrix in GPU memory whose rows are padded with zeros to whole vec4s. */
export interface GpuTensor {
  readonly rows: number;
  readonly width: number;
  /** vec4s in a row. */
  readonly quads: number;
  readonly slice: BufferSlice;
}

/** Bytes of a vec4 of float32. */
export const QUAD_BYTES = 16;

export function quadsOf(width: number): number {
  return Math.ceil(width / 4);
}

/** Consecutive rows of a tensor. */
export function rowsOf(tensor: GpuTensor, start: number, count: number): GpuTensor {
  const rowBytes = tensor.quads * QUAD_BYTES;
  const { buffer, offset } = tensor.slice;
  return { ...tensor, rows: count, slice: { buffer, offset: offset + start * rowBytes, size: count * rowBytes } };
}
