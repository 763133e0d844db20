import type { EmbeddingModel } from "../../index.ts";
import { type Check, largestDifference, passes, within } from "./check.ts";

/** Texts whose activations leave the float16 range in the large models, where other engines gave NaN. */
export const OUTLIER_TEXTS: readonly string[] = ["importance", "import os"];

const TEXTS: readonly string[] = [
  ...OUTLIER_TEXTS,
  "",
  "a",
  "What is the capital of China?",
  "Gravity is a force that attracts two bodies towards each other. It gives weight to physical objects.",
];

/** GPU kernels may choose another tile, and so another order of sums, for a larger batch; the CPU backends are bit-equal. */
const BATCH_TOLERANCE = 1e-6;

/** Tokens of the long input: enough to leave every tile and block size behind, and still seconds on a CPU. */
const LONG_TOKENS = 2048;
/** The reference has no tiles, and needs a second for a hundred tokens of the smallest real model. */
const LONG_TOKENS_REFERENCE = 256;

/** What must hold for any model on any device. */
export async function invariantChecks(model: EmbeddingModel): Promise<Check[]> {
  return [await aloneIsBatched(model), await outliersAreFinite(model), await longInput(model)];
}

async function aloneIsBatched(model: EmbeddingModel): Promise<Check> {
  const batched = await model.encode(TEXTS);
  let largest = 0;
  for (const [i, text] of TEXTS.entries()) {
    const alone = await model.encode(text);
    largest = Math.max(largest, largestDifference(batched[i] ?? [], alone));
  }
  return within("alone = batched", largest, BATCH_TOLERANCE, `${TEXTS.length} texts encoded one by one`);
}

async function outliersAreFinite(model: EmbeddingModel): Promise<Check> {
  const vectors = await model.encode(OUTLIER_TEXTS);
  const finite = vectors.every((vector) => vector.every(Number.isFinite));
  const texts = OUTLIER_TEXTS.map((text) => JSON.stringify(text)).join(", ");
  return passes("outlier texts", finite, `${texts}: ${finite ? "every value is finite" : "NaN or infinity"}`);
}

async function longInput(model: EmbeddingModel): Promise<Check> {
  const maxLength = Math.min(model.device.kind === "reference" ? LONG_TOKENS_REFERENCE : LONG_TOKENS, model.maxLength);
  const vector = await model.encode("gravity pulls ".repeat(maxLength), { maxLength });
  const norm = Math.hypot(...vector);
  return within("long input", Math.abs(norm - 1), 1e-5, `length 1 for a text of ${maxLength} tokens`);
}
