import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageJson, REPOSITORY } from "./repository.ts";

export interface PackedPackage {
  readonly filename: string;
  readonly integrity: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Runs npm as a user would, without its notices. */
function npm(args: readonly string[], cwd: string): string {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  return execFileSync("npm", [...args, ...quiet], { cwd, encoding: "utf8", shell: process.platform === "win32" });
}

/** Packs the checkout as it is; `dist` must have been built. */
export function packPackage(folder: string): PackedPackage {
  const [packed] = JSON.parse(
    npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], REPOSITORY),
  ) as PackedPackage[];
  if (packed === undefined) throw new Error("npm pack printed no package");
  return packed;
}

/**
 * Installs a packed package into an otherwise empty folder. The lock file that it writes there first holds the versions of
 * the checkout's own, so that npm takes them from its cache: the test needs no network once the checkout was installed.
 */
export function installPackage(folder: string, { filename, integrity }: PackedPackage): void {
  const { name, version, bin, dependencies, optionalDependencies } = packageJson();
  const spec = `file:${filename}`;
  const root = { name: "consumer", version: "1.0.0", type: "module", dependencies: { [name]: spec } };
  const installed = { version, resolved: spec, integrity, bin, dependencies, optionalDependencies };
  const lock = {
    name: root.name,
    version: root.version,
    lockfileVersion: 3,
    requires: true,
    packages: { "": root, [`node_modules/${name}`]: installed, ...runtimePackages() },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(root));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  npm(["ci", "--prefer-offline", "--ignore-scripts"], folder);
}

/** What the checkout's lock file says of all packages that are not for development only. */
function runtimePackages(): Record<string, unknown> {
  const lock = JSON.parse(readFileSync(`${REPOSITORY}package-lock.json`, "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  return Object.fromEntries(Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && dev !== true));
}
