import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file or folder of tests/fixtures; tests run from build/tests, the fixtures stay where they are. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../../../tests/fixtures/${path}`, import.meta.url));
}

/** A JSON fixture. Its shape is the caller's claim: fixtures are ours. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function fixtureJson<T>(path: string): T {
  return JSON.parse(readFileSync(fixture(path), "utf8")) as T;
}
