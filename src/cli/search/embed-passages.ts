import type { EmbeddingModel } from "../../index.ts";
import type { OnProgress } from "../../model/progress.ts";
import type { DistinctPassage } from "./distinct.ts";
import type { VectorIndex } from "./vector-index.ts";

/** Passages embedded between two looks at the clock and at Ctrl-C. */
const SLICE = 128;
/** A long first run is saved now and then. */
const SAVE_EVERY_MS = 60_000;

export interface EmbedPassagesOptions {
  readonly index: VectorIndex;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Told why the index could not be written. */
  readonly onSaveFailure: (reason: string) => void;
}

/** Embeds what the index does not have and keeps it there, also when interrupted. @returns how many were embedded */
export async function embedPassages(
  model: EmbeddingModel,
  passages: readonly DistinctPassage[],
  { index, signal, onProgress, onSaveFailure }: EmbedPassagesOptions,
): Promise<number> {
  const missing = passages.filter(({ hash }) => index.get(hash) === undefined);
  const save = (): Promise<void> => index.save().catch((error: Error) => onSaveFailure(error.message));
  let savedAt = performance.now();
  try {
    for (let start = 0; start < missing.length; start += SLICE) {
      const slice = missing.slice(start, start + SLICE);
      const vectors = await model.encodeDocument(
        slice.map(({ embedded }) => embedded),
        {
          signal,
          onProgress: ({ completed }) =>
            onProgress({ stage: "encode", completed: start + completed, total: missing.length, unit: "texts" }),
        },
      );
      for (const [i, { hash }] of slice.entries()) index.set(hash, vectors[i] ?? new Float32Array());
      if (performance.now() - savedAt < SAVE_EVERY_MS) continue;
      await save();
      savedAt = performance.now();
    }
  } finally {
    await save();
  }
  return missing.length;
}

/** The passages' vectors, one after another. [passages.length, dimensions] */
export function vectorMatrix(
  passages: readonly DistinctPassage[],
  index: VectorIndex,
  dimensions: number,
): Float32Array {
  const matrix = new Float32Array(passages.length * dimensions);
  for (const [i, { hash }] of passages.entries()) matrix.set(index.get(hash) ?? [], i * dimensions);
  return matrix;
}
