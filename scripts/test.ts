/**
 * `npm test [-- FILTER… | --node-option…]`: runs the compiled tests with Node's own runner. Plain words choose test
 * files whose path contains one of them; anything that starts with `-` goes to `node --test`. WebGPU tests run on the machine's adapter, else on SwiftShader.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeAdapters } from "../src/core/gpu/adapter.ts";
import { swiftShaderEnvironment } from "./swiftshader.ts";

const testsFolder = fileURLToPath(new URL("../tests/", import.meta.url));
const args = process.argv.slice(2);
const filters = args.filter((arg) => !arg.startsWith("-"));
const nodeOptions = args.filter((arg) => arg.startsWith("-"));

const files = readdirSync(testsFolder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .toSorted()
  .map((file) => join(testsFolder, file));

if (files.length === 0) {
  console.error(`no test file matches ${filters.join(", ")} below ${testsFolder}`);
  process.exit(1);
}
const { status } = spawnSync(process.execPath, ["--test", ...nodeOptions, ...files], {
  stdio: "inherit",
  env: { ...process.env, ...(await gpuEnvironment()) },
});
process.exit(status ?? 1);

/** Whatever adapter the machine has will do for the WebGPU tests; without one they get SwiftShader. */
async function gpuEnvironment(): Promise<Record<string, string>> {
  const [adapter] = await describeAdapters();
  console.log(`WebGPU tests run on ${adapter ? `${adapter.name}, ${adapter.driver}` : "SwiftShader"}`);
  return adapter ? {} : swiftShaderEnvironment();
}
