import type { Passage } from "./passage.ts";
import { readText } from "./read-text.ts";
import { splitFile } from "./split.ts";
import { walk, type WalkOptions } from "./walk.ts";

/** Lines of bundled and generated code are far longer than those that people write. */
const LONGEST_AVERAGE_LINE = 400;

export interface Collection {
  readonly files: number;
  readonly passages: readonly Passage[];
}

/** Reads and splits every text file below the paths. */
export async function loadPassages(paths: readonly string[], options: WalkOptions): Promise<Collection> {
  const passages: Passage[] = [];
  let files = 0;
  for (const { file, path } of await walk(paths, options)) {
    options.signal.throwIfAborted();
    const text = await readOrSkip(file, path, options);
    if (text === undefined) continue;
    files += 1;
    for (const passage of splitFile(path, text)) passages.push(passage);
  }
  return { files, passages };
}

async function readOrSkip(file: string, path: string, { onSkip }: WalkOptions): Promise<string | undefined> {
  try {
    const text = await readText(file);
    if (text === undefined) onSkip(path, "binary");
    else if (isGenerated(text)) onSkip(path, "lines too long to be written by hand");
    else return text;
  } catch (cause) {
    onSkip(path, cause instanceof Error ? cause.message : String(cause));
  }
  return undefined;
}

/** Prose may stand with a whole paragraph on each line, so words decide too: bundles have few spaces. */
function isGenerated(text: string): boolean {
  const lines = text.split("\n").length;
  if (text.length / lines < LONGEST_AVERAGE_LINE) return false;
  const spaces = text.split(" ").length;
  return spaces / text.length < 0.08 && !/[\u3040-\u9fff\uac00-\ud7af\u0e00-\u0e7f]/.test(text.slice(0, 4096));
}
