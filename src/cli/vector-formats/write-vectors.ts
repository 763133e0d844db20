import { npyHeader } from "./npy.ts";
import { vectorText } from "./number-text.ts";

export const VECTOR_FORMATS = ["json", "jsonl", "csv", "npy"] as const;
export type VectorFormat = (typeof VECTOR_FORMATS)[number];

/** Vectors of some of the texts, in order. */
export interface EmbeddedSlice {
  readonly texts: readonly string[];
  readonly vectors: readonly Float32Array[];
}

/**
 * The output in pieces, as the vectors come.
 * - `json`: an array of arrays
 * - `jsonl`: a line `{"text": …, "embedding": […]}` for each text
 * - `csv`: a row of numbers for each text, without a header
 * - `npy`: a NumPy array [texts, dimensions] of little-endian float32
 */
export async function* formatVectors(
  format: VectorFormat,
  total: number,
  slices: AsyncIterable<EmbeddedSlice>,
): AsyncGenerator<string | Uint8Array> {
  let row = 0;
  for await (const { texts, vectors } of slices) {
    for (const [i, vector] of vectors.entries()) {
      if (row === 0 && format === "npy") yield npyHeader(total, vector.length);
      yield formatRow(format, texts[i] ?? "", vector, row);
      row += 1;
    }
  }
  if (row === 0 && format === "npy") yield npyHeader(0, 0);
  if (format === "json") yield row === 0 ? "[]\n" : "\n]\n";
}

function formatRow(format: VectorFormat, text: string, vector: Float32Array, row: number): string | Uint8Array {
  switch (format) {
    case "json":
      return `${row === 0 ? "[\n" : ",\n"}[${vectorText(vector)}]`;
    case "jsonl":
      return `{"text":${JSON.stringify(text)},"embedding":[${vectorText(vector)}]}\n`;
    case "csv":
      return `${vectorText(vector)}\n`;
    case "npy":
      return littleEndian(vector);
    default:
      format satisfies never;
      return "";
  }
}

/** Every engine that Node runs on is little-endian, so the bytes are the array's own. */
function littleEndian(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
