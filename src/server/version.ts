import { readFileSync } from "node:fs";

/** This package's version. */
export function packageVersion(): string {
  const file = new URL(import.meta.resolve("qwen3-ts/package.json"));
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}
