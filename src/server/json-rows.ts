import type { Tensor } from "../model/tensor.ts";

/** Rows written at once: some hundred kilobytes of text at the widths of published models. */
const ROWS_AT_ONCE = 16;

/**
 * Matrices as the JSON text of `number[][][]`, written row by row as fast as the client reads: the vectors of all tokens of
 * a batch are often more than one string can hold.
 */
export function jsonOfMatrices(matrices: readonly Tensor[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const parts = matrixParts(matrices);
  return new ReadableStream({
    pull(controller) {
      const { value, done } = parts.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

function* matrixParts(matrices: readonly Tensor[]): Generator<string> {
  for (const [n, { shape, data }] of matrices.entries()) {
    const [rows = 0, width = 0] = shape;
    for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, rows - row);
      const texts = Array.from({ length: count }, (_, i) =>
        JSON.stringify(Array.from(data.subarray((row + i) * width, (row + i + 1) * width))),
      );
      const before = row > 0 ? "," : n > 0 ? ",[" : "[[";
      yield before + texts.join(",") + (row + count === rows ? "]" : "");
    }
  }
  yield matrices.length === 0 ? "[]" : "]";
}
