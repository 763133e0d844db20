import { type Check, largestDifference, passes, within } from "./check.ts";
import type { Subject } from "./subject.ts";

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
export async function invariantChecks(subject: Subject): Promise<Check[]> {
  return [await aloneIsBatched(subject), await outliersAreFinite(subject), await longInput(subject)];
}

async function aloneIsBatched(subject: Subject): Promise<Check> {
  // Where no end token is appended, an empty text has nothing to embed.
  const texts = subject.model.tokenizer.encode("").ids.length > 0 ? TEXTS : TEXTS.filter((text) => text !== "");
  const batched = await subject.compute(texts);
  let largest = 0;
  for (const [i, text] of texts.entries()) {
    const [alone = []] = await subject.compute([text]);
    largest = Math.max(largest, largestDifference(batched[i] ?? [], alone));
  }
  return within("alone = batched", largest, BATCH_TOLERANCE, `${texts.length} texts computed one by one`);
}

async function outliersAreFinite(subject: Subject): Promise<Check> {
  const results = await subject.compute(OUTLIER_TEXTS);
  const finite = results.every((numbers) => Array.from(numbers).every(Number.isFinite));
  const texts = OUTLIER_TEXTS.map((text) => JSON.stringify(text)).join(", ");
  return passes("outlier texts", finite, `${texts}: ${finite ? "every value is finite" : "NaN or infinity"}`);
}

async function longInput(subject: Subject): Promise<Check> {
  const { model, soundness } = subject;
  const maxLength = Math.min(model.device.kind === "reference" ? LONG_TOKENS_REFERENCE : LONG_TOKENS, model.maxLength);
  const [numbers = []] = await subject.compute(["gravity pulls ".repeat(maxLength)], maxLength);
  return within("long input", subject.unsoundness(numbers), 1e-5, `${soundness} for a text of ${maxLength} tokens`);
}
