import { bytesPerWeight } from "../../core/dtype.ts";
import type { MatrixSource } from "../backend.ts";
import type { Bank } from "./bank.ts";
import type { Executor } from "./executor.ts";
import type { Loading } from "./loading.ts";
import { PANEL_COLUMNS } from "./product.ts";
import { Recorder } from "./program.ts";
import { STORED_SUFFIX, WasmMatrix } from "./wasm-objects.ts";

/** Bytes read at a time: large enough to keep the disk and the threads busy, small beside any model worth streaming. */
const CHUNK_BYTES = 4 * 2 ** 20;

/**
 * Reads weights into shared memory as column panels, which the threads lay out chunk by chunk while the next chunk is
 * read, be it the next matrix' first.
 */
export async function loadMatrix(bank: Bank, source: MatrixSource): Promise<Loading> {
  const { heap } = bank;
  const byteLength = panelBytes(source);
  const address = heap.allocate(byteLength, source.name);
  const { name, rows, columns, dtype } = source;
  const matrix = { name, rows, columns, suffix: STORED_SUFFIX[dtype], byteLength };
  try {
    const { done } = await readPanels(bank, source, address);
    return { matrix: new WasmMatrix({ ...matrix, address: bank.globalAddress(address) }), done };
  } catch (error) {
    heap.free(address);
    throw error;
  }
}

/** Bytes that loadMatrix will keep. */
export function panelBytes(source: MatrixSource): number {
  return Math.ceil(source.rows / PANEL_COLUMNS) * PANEL_COLUMNS * source.columns * bytesPerWeight(source.dtype);
}

/** Resolves when all is read, to a promise of its being laid out. */
async function readPanels(
  { staging, executor }: Bank,
  source: MatrixSource,
  address: number,
): Promise<{ readonly done: Promise<unknown> }> {
  const rowBytes = source.columns * bytesPerWeight(source.dtype);
  const laidOut: Promise<unknown>[] = [];
  try {
    for (const chunk of chunks(source.rows, rowBytes)) {
      const { emptied } = await staging.pass(
        chunk.count * rowBytes,
        (into) => readChunk(source, chunk, into),
        (from) => layOut(executor, source, { from, into: address + chunk.start * rowBytes, count: chunk.count }),
      );
      laidOut.push(emptied);
    }
  } catch (error) {
    await Promise.allSettled(laidOut);
    throw error;
  }
  return { done: Promise.all(laidOut) };
}

interface Chunk {
  readonly start: number;
  readonly count: number;
}

/** Two matrices in turns lie one behind the other: the threads interleave them. */
async function readChunk(source: MatrixSource, { start, count }: Chunk, into: Uint8Array): Promise<void> {
  const { halves } = source;
  if (!halves) return await source.readRows(start, count, into);
  const [even, odd] = halves;
  const middle = into.length / 2;
  const reads = [
    even.readRows(start / 2, count / 2, into.subarray(0, middle)),
    odd.readRows(start / 2, count / 2, into.subarray(middle)),
  ];
  await Promise.allSettled(reads); // if one fails, the other must not write any more once the memory is used again
  await Promise.all(reads);
}

function layOut(
  executor: Executor,
  { columns: depth, dtype, halves }: MatrixSource,
  { from, into, count }: { readonly from: number; readonly into: number; readonly count: number },
): Promise<unknown> {
  const rowBytes = depth * bytesPerWeight(dtype);
  const rows = halves ? [from, from + (count / 2) * rowBytes, rowBytes] : [from, from + rowBytes, 2 * rowBytes];
  const recorder = new Recorder();
  recorder.step({
    kernel: dtype === "F32" ? "columnPanels32" : "columnPanels16",
    tiles: Math.ceil(count / PANEL_COLUMNS),
    args: [...rows, into, count, depth],
    inputs: [],
    outputs: [],
  });
  return executor.run(recorder);
}

/** Ranges of rows of about CHUNK_BYTES that begin at whole panels. */
function* chunks(rows: number, rowBytes: number): Generator<Chunk> {
  const step = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes / PANEL_COLUMNS)) * PANEL_COLUMNS;
  for (let start = 0; start < rows; start += step) yield { start, count: Math.min(step, rows - start) };
}
