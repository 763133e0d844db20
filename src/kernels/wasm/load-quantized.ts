import { bytesPerWeight } from "../../core/dtype.ts";
import type { MatrixSource } from "../backend.ts";
import type { Bank } from "./bank.ts";
import type { DotProduct } from "./dot-product.ts";
import type { Loading } from "./loading.ts";
import { padDepth, PANEL_COLUMNS, rowScratchBytes } from "./product.ts";
import { Recorder, type Value } from "./program.ts";
import type { CacheEntry, QuantizedCache } from "./quantized-cache.ts";
import { WasmMatrix, WEIGHT_TYPES } from "./wasm-objects.ts";

/** Steps and offsets before the values of a panel (assembly/parts/tile-int.ts). */
const PANEL_HEAD_BYTES = 64;
/** Columns of one tile of balanceWeights. */
const BALANCE_COLUMNS = 32;
/** A block of assembly/checksum.ts, and what it gives for each. */
const CHECKED_BYTES = 2 ** 20;
const CHECKSUM_BYTES = 32;

/** Where and how eight-bit weights come to be. */
export interface Quantizing {
  readonly bank: Bank;
  readonly dotProduct: DotProduct;
  readonly cache: QuantizedCache | undefined;
}

/**
 * Reads a matrix and rounds it to eight bits, or reads its eight bits from the cache. The threads round, or check what was
 * read, while the caller goes on with the next matrix: two are in memory as stored, at most.
 */
export async function loadQuantized(quantizing: Quantizing, source: MatrixSource): Promise<Loading> {
  const { bank, dotProduct } = quantizing;
  const byteLength = quantizedBytes(source);
  const address = bank.heap.allocate(byteLength, source.name);
  const { done } = await start({ ...quantizing, source, address, byteLength }).catch((error: unknown) => {
    bank.heap.free(address);
    throw error;
  });
  const { name, rows, columns } = source;
  const balance = bank.globalAddress(address + balanceOffset(source));
  const { suffix } = dotProduct;
  return { matrix: new WasmMatrix({ name, rows, columns, suffix, address: bank.globalAddress(address), byteLength, balance }), done }; // oxfmt-ignore
}

/** Bytes that loadQuantized will keep. */
export function quantizedBytes(source: MatrixSource): number {
  return balanceOffset(source) + 4 * source.columns;
}

/** What weights were divided by stands behind their panels. */
function balanceOffset({ rows, columns }: MatrixSource): number {
  return Math.ceil(rows / PANEL_COLUMNS) * (PANEL_HEAD_BYTES + padDepth(columns) * PANEL_COLUMNS);
}

interface Job extends Quantizing {
  readonly source: MatrixSource;
  readonly address: number;
  readonly byteLength: number;
  readonly entry: CacheEntry | undefined;
}

/** Resolves when what is to be read is read. */
async function start(job: Omit<Job, "entry">): Promise<{ readonly done: Promise<void> }> {
  const { bank, cache, source, address, byteLength } = job;
  const entry = await cache?.entry(source, byteLength);
  const known = entry !== undefined && (await entry.read(bank.heap.bytesAt(address, byteLength)));
  return known ? { done: checkOrQuantize({ ...job, entry }, entry) } : await quantize({ ...job, entry });
}

async function checkOrQuantize(job: Job, entry: CacheEntry): Promise<void> {
  const { bank } = job;
  const recorder = new Recorder();
  const checksums = recordChecksum(recorder, job);
  const [actual = new Float32Array()] = await bank.executor.run(recorder, [checksums]);
  if (!entry.matches(bytesOf(actual))) await (await quantize(job)).done;
}

/** Resolves when the matrix is read, to a promise of its being rounded. */
async function quantize(job: Job): Promise<{ readonly done: Promise<void> }> {
  const { heap } = job.bank;
  const { name, rows, columns, dtype } = job.source;
  const storedBytes = rows * columns * bytesPerWeight(dtype);
  const stored = heap.allocate(storedBytes, `reading ${name}`);
  try {
    await job.source.readRows(0, rows, heap.bytesAt(stored, storedBytes));
  } catch (error) {
    heap.free(stored);
    throw error;
  }
  return { done: round(job, stored).finally(() => heap.free(stored)) };
}

async function round(job: Job, stored: number): Promise<void> {
  const { bank, dotProduct, source, address, byteLength, cache, entry } = job;
  const { rows, columns, dtype } = source;
  const recorder = new Recorder();
  const balance = address + balanceOffset(source);
  const args = [stored, address, rows, columns, padDepth(columns), balance, WEIGHT_TYPES[dtype]];
  const common = { args: [...args, dotProduct.activationOffset], inputs: [], outputs: [] };
  const scratchBytes = 2 * rowScratchBytes(columns); // a row and what it is multiplied with
  const balanceTiles = Math.ceil(columns / BALANCE_COLUMNS);
  recorder.step({ kernel: "balanceWeights", tiles: balanceTiles, scratchBytes: 4 * BALANCE_COLUMNS, ...common });
  recorder.step({ kernel: "quantizeWeights", tiles: Math.ceil(rows / PANEL_COLUMNS), scratchBytes, ...common });
  const wanted = entry ? [recordChecksum(recorder, job)] : [];
  const [checksums] = await bank.executor.run(recorder, wanted);
  if (entry && checksums) cache?.add(entry, bank.heap.bytesAt(address, byteLength), bytesOf(checksums));
}

/** The balance ends the matrix: four bytes a column, and columns may be odd, so the last vector is left to the length. */
function recordChecksum(recorder: Recorder, { address, byteLength }: Job): Value {
  const tiles = Math.ceil(byteLength / CHECKED_BYTES);
  const checksums = recorder.value(tiles * CHECKSUM_BYTES);
  const bytes = Math.floor(byteLength / 16) * 16;
  recorder.step({ kernel: "checksum", tiles, args: [address, bytes, checksums], inputs: [], outputs: [checksums] });
  return checksums;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
