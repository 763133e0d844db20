import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is used where no model is named: small enough to come with the package, and a demonstration only. */
export const DEFAULT_MODEL = "qwen3-embedding-tiny";

/** The same for reranking. */
export const DEFAULT_RERANKER = "qwen3-reranker-tiny";

/** The names of the models that come with the package. */
export function bundledModels(): readonly string[] {
  return readdirSync(bundledRoot()).filter((name) => existsSync(join(bundledFolder(name), "config.json")));
}

export function bundledFolder(name: string): string {
  return join(bundledRoot(), name);
}

function bundledRoot(): string {
  return dirname(dirname(fileURLToPath(import.meta.resolve(`#bundled/${DEFAULT_MODEL}/config.json`))));
}
