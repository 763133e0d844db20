import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The root of the checkout, seen from build/tests/package. */
export const REPOSITORY: string = fileURLToPath(new URL("../../../", import.meta.url));

export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

export function packageJson(): PackageJson {
  return JSON.parse(readFileSync(`${REPOSITORY}package.json`, "utf8")) as PackageJson;
}

/** Every TypeScript file below src, relative to it, without the WebAssembly kernels, which are no TypeScript. */
export function sourceFiles(): string[] {
  return readdirSync(`${REPOSITORY}src`, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && !file.startsWith("kernels/wasm/assembly/"));
}

export interface Import {
  readonly specifier: string;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  /** Read only when the line runs. */
  readonly dynamic: boolean;
}

/** What a source file imports, also for its types, and re-exports. */
export function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const statements = code.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^;"']*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = code.matchAll(/\bimport\("([^"]+)"\)/g);
  return [
    ...Array.from(statements, ([, type, specifier = ""]) => ({
      specifier,
      typeOnly: type !== undefined,
      dynamic: false,
    })),
    ...Array.from(calls, ([, specifier = ""]) => ({ specifier, typeOnly: false, dynamic: true })),
  ];
}
