import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { WeightDType } from "../../src/core/dtype.ts";
import { bytesPerWeight } from "../../src/core/dtype.ts";

export interface TensorPlan {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Writes the elements of one tensor from `start` on into `block`. */
export type FillBlock = (
  block: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  tensor: TensorPlan,
  start: number,
) => void;

export interface CheckpointOptions {
  readonly dtype: WeightDType;
  /** A file is closed before it would grow past this many bytes of tensors. */
  readonly shardBytes: number;
  /** Every weight is zero, and the files take no room on disks that know holes. @default false */
  readonly sparse?: boolean;
}

/** Elements made and written at a time; even, as the random numbers come in pairs. */
const BLOCK = 1 << 22;

/** Writes model.safetensors, or shards and their index, block by block. Returns the bytes of all tensors. */
export function writeCheckpoint(
  folder: string,
  tensors: readonly TensorPlan[],
  fill: FillBlock,
  options: CheckpointOptions,
): number {
  mkdirSync(folder, { recursive: true });
  const bytes = (tensor: TensorPlan): number => elements(tensor) * bytesPerWeight(options.dtype);
  const shards = cutIntoShards(tensors, bytes, options.shardBytes);
  const weightMap: Record<string, string> = {};
  for (const [index, shard] of shards.entries()) {
    const file = shardName(index, shards.length);
    for (const { name } of shard) weightMap[name] = file;
    writeShard(join(folder, file), shard, fill, options);
  }
  const total = tensors.reduce((sum, tensor) => sum + bytes(tensor), 0);
  if (shards.length > 1) {
    const index = { metadata: { total_size: total }, weight_map: weightMap };
    writeFileSync(join(folder, "model.safetensors.index.json"), `${JSON.stringify(index, null, 2)}\n`);
  }
  return total;
}

function shardName(index: number, count: number): string {
  const padded = (number: number): string => String(number).padStart(5, "0");
  return count === 1 ? "model.safetensors" : `model-${padded(index + 1)}-of-${padded(count)}.safetensors`;
}

function cutIntoShards(
  tensors: readonly TensorPlan[],
  bytes: (tensor: TensorPlan) => number,
  limit: number,
): TensorPlan[][] {
  const shards: TensorPlan[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    if (size > 0 && size + bytes(tensor) > limit) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(tensor);
    size += bytes(tensor);
  }
  return shards;
}

function writeShard(
  file: string,
  tensors: readonly TensorPlan[],
  fill: FillBlock,
  { dtype, sparse = false }: CheckpointOptions,
): void {
  const descriptor = openSync(file, "w");
  try {
    const head = header(tensors, dtype);
    writeAll(descriptor, head);
    if (sparse) {
      const weights = tensors.reduce((sum, tensor) => sum + elements(tensor), 0);
      ftruncateSync(descriptor, head.length + weights * bytesPerWeight(dtype));
      return;
    }
    const block = dtype === "F32" ? new Uint32Array(BLOCK) : new Uint16Array(BLOCK);
    for (const tensor of tensors) {
      for (let start = 0; start < elements(tensor); start += BLOCK) {
        const part = block.subarray(0, Math.min(BLOCK, elements(tensor) - start));
        fill(part, tensor, start);
        writeAll(descriptor, new Uint8Array(part.buffer, 0, part.byteLength));
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The length of the JSON as a little-endian u64, then the JSON, padded so that the tensors start 8-byte aligned. */
function header(tensors: readonly TensorPlan[], dtype: WeightDType): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + elements(tensor) * bytesPerWeight(dtype);
    entries[tensor.name] = { dtype, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(entries));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  return padded;
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
}

function elements(tensor: TensorPlan): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}
