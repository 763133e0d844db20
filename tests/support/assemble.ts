import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import type { SimdLevel } from "../../src/kernels/wasm/features.ts";
import { REPOSITORY } from "../package/repository.ts";

const ASSEMBLY = `${REPOSITORY}src/kernels/wasm/assembly/`;
const ENTRY = "entry.ts";
const FLAGS = "-O2 --noAssert --runtime stub --importMemory --sharedMemory --maximumMemory 65536 --enable threads --enable simd"; // oxfmt-ignore
const LEVEL_FLAGS = { simd: [], relaxed: ["--enable", "relaxed-simd"] } as const satisfies Record<SimdLevel, readonly string[]>; // oxfmt-ignore

/** Compiles AssemblyScript as the build does, seen from src/kernels/wasm/assembly: what it imports are the kernels' own parts. */
export async function assemble(source: string, level: SimdLevel): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const messages = asc.createMemoryStream();
  const { error } = await asc.main([ENTRY, ...FLAGS.split(" "), ...LEVEL_FLAGS[level], "-o", "out.wasm"], {
    stderr: messages,
    readFile: (name) => (name === ENTRY ? source : tryRead(ASSEMBLY + name)),
    writeFile: (_name, contents) => void (binary = contents as Uint8Array),
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(messages.toString(), { cause: error });
  return binary;
}

/** The compiler looks in several places. */
function tryRead(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
