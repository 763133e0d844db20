import { formatBytes } from "../terminal.ts";
import type { Check } from "./check.ts";
import type { Subject } from "./subject.ts";

const WORDS = 32;
const TEXTS = 16;

/** How fast it is and what it holds; neither can fail. */
export async function measurements(subject: Subject): Promise<Check[]> {
  const { model } = subject;
  const texts = Array.from({ length: TEXTS }, (_, i) => `${i} ${"gravity pulls ".repeat(WORDS / 2)}`);
  const tokens = texts.reduce((sum, text) => sum + model.tokenizer.encode(text).ids.length, 0);
  await subject.compute(texts.slice(0, 1));
  const began = performance.now();
  await subject.compute(texts);
  const seconds = (performance.now() - began) / 1000;
  const { weights, activations, cache } = model.memory;
  const rate = `${Math.round(tokens / seconds)} tokens/s on ${TEXTS} texts of ${Math.round(tokens / TEXTS)} tokens`;
  const held = `${formatBytes(weights)} of weights, ${formatBytes(activations + cache)} of activations and caches`;
  return [
    { name: "throughput", status: "info", detail: rate },
    { name: "memory", status: "info", detail: `${held}; the process ${formatBytes(process.memoryUsage.rss())}` },
  ];
}
