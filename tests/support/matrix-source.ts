import type { MatrixSource } from "../../src/index.ts";

/** Float32 rows in memory as the source of a matrix. */
export function matrixSource(name: string, columns: number, rows: readonly Float32Array[]): MatrixSource {
  return {
    name,
    rows: rows.length,
    columns,
    dtype: "F32",
    async readRows(start, count, into) {
      for (const [i, row] of rows.slice(start, start + count).entries()) {
        into.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), i * columns * 4);
      }
    },
  };
}
