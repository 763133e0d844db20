import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Qwen3Error } from "../../core/errors.ts";
import { type WasmModule, WebAssembly } from "../../core/webassembly.ts";
import type { SimdLevel } from "./features.ts";

/** The compiled files of src/kernels/wasm/assembly. */
const MODULE_NAMES = [
  "attention",
  "checksum",
  "column-panels",
  "embed",
  "gate-up",
  "linear",
  "qkv",
  "quantize-rows",
  "quantize-weights",
  "rms-norm",
  "row-panels",
  "rows",
  "top-k",
] as const;

export type ModuleName = (typeof MODULE_NAMES)[number];

/** WebAssembly binaries that replace built-in ones; each must export what the one it replaces does. */
export type KernelOverrides = Readonly<Partial<Record<ModuleName, Uint8Array>>>;

export interface KernelTable {
  readonly modules: readonly WasmModule[];
  /** Where each exported function stands in the workers' list of kernels. */
  readonly indexOf: ReadonlyMap<string, number>;
}

/** @param compile how, if not as V8 does by itself */
export async function compileKernels(
  level: SimdLevel,
  overrides: KernelOverrides,
  compile?: (binaries: readonly Uint8Array[]) => readonly WasmModule[],
): Promise<KernelTable> {
  const binaries = await Promise.all(
    MODULE_NAMES.map(async (name) => overrides[name] ?? (await readFile(kernelFile(name, level)))),
  );
  const modules = compile
    ? compile(binaries)
    : await Promise.all(MODULE_NAMES.map((name) => compileModule(name, level, overrides[name])));
  const exported = modules.flatMap((module) => WebAssembly.Module.exports(module));
  return { modules, indexOf: new Map(exported.map(({ name }, index) => [name, index])) };
}

export async function compileModule(
  name: ModuleName | "dot-probe",
  level: SimdLevel,
  override?: Uint8Array,
): Promise<WasmModule> {
  const file = kernelFile(name, level);
  try {
    return await WebAssembly.compile(override ?? (await readFile(file)));
  } catch (cause) {
    const what = override ? `the replacement for kernel module '${name}'` : file;
    throw new Qwen3Error("device", `${what} does not compile here: ${String(cause)}`, { cause });
  }
}

/** A compiled kernel of src/kernels/wasm/assembly. */
export function kernelFile(name: ModuleName | "dot-probe", level: SimdLevel): string {
  return fileURLToPath(import.meta.resolve(`#wasm/${name}.${level}.wasm`));
}
