import type { EmbeddingModel } from "../../index.ts";
import { formatBytes } from "../terminal.ts";
import type { Check } from "./check.ts";

const TEXT_TOKENS = 64;
const TEXTS = 16;

/** How fast it is and what it holds; neither can fail. */
export async function measurements(model: EmbeddingModel): Promise<Check[]> {
  const texts = Array.from({ length: TEXTS }, (_, i) => `${i} ${"gravity pulls ".repeat(TEXT_TOKENS)}`);
  await model.encode(texts.slice(0, 1), { maxLength: TEXT_TOKENS });
  const began = performance.now();
  await model.encode(texts, { maxLength: TEXT_TOKENS });
  const seconds = (performance.now() - began) / 1000;
  const { weights, activations, cache } = model.memory;
  const rate = `${Math.round((TEXTS * TEXT_TOKENS) / seconds)} tokens/s on ${TEXTS} texts of ${TEXT_TOKENS} tokens`;
  const held = `${formatBytes(weights)} of weights, ${formatBytes(activations + cache)} of activations and caches`;
  return [
    { name: "throughput", status: "info", detail: rate },
    { name: "memory", status: "info", detail: `${held}; the process ${formatBytes(process.memoryUsage.rss())}` },
  ];
}
