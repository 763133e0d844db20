import { WebAssembly } from "../../core/webassembly.ts";

/** Which build of the kernels this engine can run. */
export type SimdLevel = "simd" | "relaxed";

/** The best level that validates here; undefined where not even 128-bit SIMD does. */
export function detectSimd(): SimdLevel | undefined {
  if (!WebAssembly.validate(moduleWith(F32X4_ADD, 2))) return undefined;
  return WebAssembly.validate(moduleWith(F32X4_RELAXED_MADD, 3)) ? "relaxed" : "simd";
}

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Opcodes of the SIMD prefix 0xfd, as LEB128. */
const V128_CONST = [0xfd, 0x0c];
const F32X4_ADD = [0xfd, 0xe4, 0x01];
const F32X4_RELAXED_MADD = [0xfd, 0x85, 0x02];

/** A module with one function `() → v128` that applies `opcode` to that many zero vectors. */
function moduleWith(opcode: readonly number[], operands: number): Uint8Array {
  const zero = [...V128_CONST, ...Array.from({ length: 16 }, () => 0)];
  const code = Array.from({ length: operands }, () => zero).flat();
  const body = [0, ...code, ...opcode, 0x0b];
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, [1, 0x60, 0, 1, 0x7b]), // one type: () → v128
    ...section(3, [1, 0]), // one function of that type
    ...section(10, [1, body.length, ...body]),
  ]);
}

/** Sections here are shorter than 128 bytes, so their length is one byte. */
function section(id: number, content: readonly number[]): number[] {
  return [id, content.length, ...content];
}
