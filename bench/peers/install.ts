import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The releases the drivers were written for. */
const VERSIONS = {
  "@huggingface/transformers": "4.3.1",
  "node-llama-cpp": "3.22.1",
  "onnxruntime-node": "1.30.0",
  "onnxruntime-web": "1.30.0",
} as const;

export type PeerPackage = keyof typeof VERSIONS;

/**
 * Makes sure that a package is in the cache folder, installing it there the first time, and returns its folder. Install
 * scripts do not run: the native parts we use come inside the packages.
 */
export function installed(name: PeerPackage, cache: string): string {
  const home = join(cache, name.replaceAll("/", "-").replace("@", ""));
  const folder = join(home, "node_modules", name);
  if (existsSync(folder)) return folder;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), '{ "private": true }\n');
  console.error(`installing ${name}@${VERSIONS[name]} into ${home}`);
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${VERSIONS[name]}`], {
    cwd: home,
    stdio: ["ignore", 2, 2],
  });
  return folder;
}

/** The version a package, or one of its own dependencies, really has. */
export function versionOf(folder: string, dependency?: string): string {
  const require = createRequire(join(folder, "package.json"));
  const entry = dependency === undefined ? join(folder, "package.json") : require.resolve(dependency);
  const home = dependency === undefined ? folder : entry.slice(0, entry.lastIndexOf(dependency) + dependency.length);
  return (JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string }).version;
}

/** Where peers are installed unless `--cache` or QWEN3_BENCH_CACHE says otherwise. */
export function defaultCache(): string {
  return process.env["QWEN3_BENCH_CACHE"] ?? join(process.cwd(), "node_modules", ".cache", "qwen3-bench");
}
