import { readdir, readFile } from "node:fs/promises";
import { Qwen3Error } from "../../core/errors.ts";
import type { Constants } from "./kernel.ts";

/** A program ready for the compiler: its text, and the overrides that are set when the pipeline is made. */
export interface Specialization {
  readonly code: string;
  readonly overrides: Readonly<Record<string, number>>;
}

/** Reads `src/kernels/wgsl/<name>.wgsl`, which is shipped as it is. */
export async function readShader(name: string): Promise<string> {
  return readFile(new URL(import.meta.resolve(`#wgsl/${name}.wgsl`)), "utf8");
}

/** @throws Qwen3Error `invalid-argument` for the name of a kernel that there is not */
export async function checkKernelNames(kernels: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.keys(kernels);
  if (names.length === 0) return;
  const files = await readdir(new URL(".", import.meta.resolve("#wgsl/embed.wgsl")));
  const known = files.filter((file) => file.endsWith(".wgsl")).map((file) => file.slice(0, -".wgsl".length));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new Qwen3Error(
    "invalid-argument",
    `no kernel is called '${unknown}'; expected one of ${known.sort().join(", ")}`,
  );
}

/**
 * Sets a program's constants. `override`s are left to the pipeline; what they cannot express (sizes of register arrays,
 * element types) is one `const` or `alias` at the start of a line, and exactly that declaration is replaced. Line
 * numbers stay those of the file.
 *
 * @throws Qwen3Error `invalid-argument` if a name is not declared exactly once
 */
export function specialize(name: string, source: string, constants: Constants): Specialization {
  let code = source;
  const overrides: Record<string, number> = {};
  for (const [constant, value] of Object.entries(constants)) {
    const declarations = [...code.matchAll(declarationOf(constant))];
    const [declaration] = declarations;
    if (!declaration || declarations.length > 1) {
      throw new Qwen3Error(
        "invalid-argument",
        `kernel '${name}': '${constant}' is declared ${declarations.length} times as override, const or alias at the start of a line, expected once`,
      );
    }
    const [, head = "", kind = ""] = declaration;
    if (kind === "override") overrides[constant] = Number(value);
    else code = code.replace(declarationOf(constant), () => `${head}${literal(head, value)};`);
  }
  return { code, overrides };
}

/** `override N: u32 = 1;`, `const N = 1u;` or `alias N = f32;` → kind, everything up to the value. */
function declarationOf(constant: string): RegExp {
  return new RegExp(String.raw`^((override|const|alias)\s+${constant}\b[^=;\n]*=\s*)[^;\n]*;`, "gm");
}

/** A number as the declared type writes it. */
function literal(head: string, value: number | string): string {
  if (typeof value === "string") return value;
  return /:\s*u32\b/.test(head) ? `${value}u` : String(value);
}
