import { bytesPerWeight, type WeightDType } from "../../core/dtype.ts";
import { Qwen3Error } from "../../core/errors.ts";
import type { GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import type { GpuLimits } from "../../core/gpu/limits.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import type { Matrix, MatrixSource } from "../backend.ts";
import { quadsOf } from "./gpu-activation.ts";

/** Consecutive rows of a matrix, as many as one binding may hold. */
export interface Shard {
  readonly start: number;
  readonly rows: number;
  readonly buffer: GpuBuffer;
}

/** Weights in GPU memory, as stored, each row padded with zeros to a multiple of four. */
export class GpuMatrix implements Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: WeightDType;
  readonly #source: MatrixSource;
  #shards: readonly Shard[] = [];

  constructor(source: MatrixSource) {
    this.name = source.name;
    this.rows = source.rows;
    this.columns = source.columns;
    this.dtype = source.dtype;
    this.#source = source;
  }

  /** In order of their rows. */
  get shards(): readonly Shard[] {
    return this.#shards;
  }

  /** Reads the rows from their source into new buffers; again when a device replaces a lost one. */
  async upload(device: GpuDevice): Promise<void> {
    const shards: Shard[] = [];
    for (const { start, rows } of planShards(this, device.limits)) {
      shards.push({ start, rows, buffer: await uploadShard(device, this.#source, start, rows) });
    }
    this.#shards = shards;
  }

  destroy(): void {
    for (const { buffer } of this.#shards) buffer.destroy();
    this.#shards = [];
  }
}

/** Shards begin at multiples of it, so that vec4s of results and pairs of gate and up stay together. */
const ROWS_TOGETHER = 8;
/** Read at a time: small enough to forget, large enough for a disk. */
const CHUNK_BYTES = 2 ** 24;

function planShards(matrix: GpuMatrix, limits: GpuLimits): { start: number; rows: number }[] {
  const stride = rowStride(matrix);
  const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const most = Math.floor(largest / stride / ROWS_TOGETHER) * ROWS_TOGETHER;
  if (most === 0 && matrix.rows * stride > largest) {
    throw new Qwen3Error(
      "too-large",
      `matrix '${matrix.name}': ${ROWS_TOGETHER} rows of ${stride} bytes do not fit this adapter's bindings of ${largest} bytes; ` +
        `choose another adapter or the device 'wasm'`,
    );
  }
  const step = Math.max(most, ROWS_TOGETHER);
  const starts = Array.from({ length: Math.ceil(matrix.rows / step) }, (_, i) => i * step);
  return starts.map((start) => ({ start, rows: Math.min(step, matrix.rows - start) }));
}

/** Bytes from row to row in GPU memory. */
export function rowStride({ columns, dtype }: Pick<MatrixSource, "columns" | "dtype">): number {
  return quadsOf(columns) * 4 * bytesPerWeight(dtype);
}

async function uploadShard(device: GpuDevice, source: MatrixSource, start: number, rows: number): Promise<GpuBuffer> {
  const label = `${source.name}[${start}..${start + rows}]`;
  const stride = rowStride(source);
  const buffer = await device.guard(label, () =>
    device.createBuffer({
      label,
      size: rows * stride,
      usage: BufferUsage.storage | BufferUsage.copySrc,
      pool: "weights",
      mapped: true,
    }),
  );
  const mapped = new Uint8Array(buffer.raw.getMappedRange());
  const step = Math.max(1, Math.floor(CHUNK_BYTES / stride));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    await readPadded(source, start + row, count, mapped.subarray(row * stride, (row + count) * stride));
  }
  buffer.raw.unmap();
  return buffer;
}

/** Reads rows to where they will live; those whose padding leaves gaps by way of a copy. */
async function readPadded(source: MatrixSource, start: number, count: number, into: Uint8Array): Promise<void> {
  const tight = source.columns * bytesPerWeight(source.dtype);
  const stride = rowStride(source);
  if (tight === stride) return source.readRows(start, count, into);
  into.fill(0); // new GPU memory is not zeroed, and padding that holds a NaN would spoil products
  const rows = new Uint8Array(count * tight);
  await source.readRows(start, count, rows);
  for (let row = 0; row < count; row++) into.set(rows.subarray(row * tight, (row + 1) * tight), row * stride);
}
