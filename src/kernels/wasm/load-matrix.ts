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

/** Two buffers take turns: one is read into while the threads empty the other. */
async function readPanels(
  { heap, executor }: Bank,
  source: MatrixSource,
  address: number,
): Promise<{ readonly done: Promise<unknown> }> {
  const rowBytes = source.columns * bytesPerWeight(source.dtype);
  const parts = [...chunks(source.rows, rowBytes)];
  const bufferBytes = (parts[0]?.count ?? 0) * rowBytes;
  const buffers = [0, 1].map(() => heap.allocate(bufferBytes, `reading ${source.name}`));
  let done: Promise<unknown> = Promise.resolve();
  const free = (): void => buffers.forEach((buffer) => heap.free(buffer));
  try {
    for (const [i, { start, count }] of parts.entries()) {
      const buffer = buffers[i % 2] as number;
      await source.readRows(start, count, heap.bytesAt(buffer, count * rowBytes));
      await done;
      done = layOut(executor, source, { from: buffer, into: address + start * rowBytes, count });
      done.catch(() => {}); // awaited by the next turn, or by the caller
    }
  } catch (error) {
    await done.catch(() => {});
    free();
    throw error;
  }
  return { done: done.finally(free) };
}

function layOut(
  executor: Executor,
  { columns: depth, dtype }: MatrixSource,
  { from, into, count }: { readonly from: number; readonly into: number; readonly count: number },
): Promise<unknown> {
  const recorder = new Recorder();
  recorder.step({
    kernel: dtype === "F32" ? "columnPanels32" : "columnPanels16",
    tiles: Math.ceil(count / PANEL_COLUMNS),
    args: [from, into, count, depth],
    inputs: [],
    outputs: [],
  });
  return executor.run(recorder);
}

/** Ranges of rows of about CHUNK_BYTES that begin at whole panels. */
function* chunks(rows: number, rowBytes: number): Generator<{ readonly start: number; readonly count: number }> {
  const step = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes / PANEL_COLUMNS)) * PANEL_COLUMNS;
  for (let start = 0; start < rows; start += step) yield { start, count: Math.min(step, rows - start) };
}
