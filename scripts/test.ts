/**
 * `npm test [-- FILTER… | --node-option…]`: runs the compiled tests with Node's own runner. Plain words choose test
 * files whose path contains one of them; anything that starts with `-` goes to `node --test`. WebGPU tests run on the machine's adapter, else on SwiftShader.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
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
// Node's default leaves a core out: half of the machines that continuous integration runs on.
const concurrency = `--test-concurrency=${availableParallelism()}`;
const { status } = spawnSync(process.execPath, ["--test", concurrency, ...nodeOptions, ...files], {
  stdio: "inherit",
  env: { ...process.env, ...(await gpuEnvironment()) },
});
process.exit(status ?? 1);

/**
 * Whatever adapter the machine has will do for the WebGPU tests; without one they get SwiftShader. `WEBGPU_TESTS_ON` asks
 * for `swiftshader` or `lavapipe` (which must be installed) all the same.
 */
async function gpuEnvironment(): Promise<Record<string, string>> {
  const asked = process.env["WEBGPU_TESTS_ON"];
  if (asked === "lavapipe") return report("lavapipe", lavapipeEnvironment());
  const [adapter] = asked === "swiftshader" ? [] : await describeAdapters();
  if (adapter) return report(`${adapter.name}, ${adapter.driver}`, {});
  return report("SwiftShader", swiftShaderEnvironment());
}

function report(adapter: string, environment: Record<string, string>): Record<string, string> {
  console.log(`WebGPU tests run on ${adapter}`);
  return environment;
}

/** Makes the Vulkan loader see Mesa's software driver alone. */
function lavapipeEnvironment(): Record<string, string> {
  const folder = "/usr/share/vulkan/icd.d/";
  const driver = readdirSync(folder).find((file) => file.startsWith("lvp_icd"));
  if (driver === undefined) throw new Error(`no lavapipe driver in ${folder}; install mesa-vulkan-drivers`);
  return { VK_ICD_FILENAMES: folder + driver, VK_DRIVER_FILES: folder + driver };
}
