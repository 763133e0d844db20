import { spawnSync } from "node:child_process";
import { isSea } from "node:sea";
import { setFlagsFromString } from "node:v8";
import { type WasmModule, WebAssembly } from "../../core/webassembly.ts";

/** Has V8's optimising compiler join adjacent 128-bit operations into 256-bit ones. On x64 with AVX2 only, and experimental. */
const FLAG = "--experimental-wasm-revectorize";

/**
 * The flags set while kernels are compiled, and what takes them back. Liftoff and lazy compilation are off so that the
 * optimising compiler does all of its work now: no other code of the process is ever compiled under the experimental flag.
 */
const FLAGS: readonly (readonly [on: string, off: string])[] = [
  [FLAG, "--no-experimental-wasm-revectorize"],
  ["--no-liftoff", "--liftoff"],
  ["--no-wasm-lazy-compilation", "--wasm-lazy-compilation"],
];

/** A custom section named "v": V8 shares machine code between modules of equal bytes, and these must get their own. */
const CUSTOM_SECTION = [0, 2, 1, 0x76];

/**
 * Whether this V8 knows the flag. Asks the executable, since V8 prints a complaint about flags that it does not know. One that
 * carries its application would run that instead.
 */
export function canRevectorize(): boolean {
  if (isSea()) return false;
  const { stdout } = spawnSync(process.execPath, ["--v8-options"], {
    encoding: "utf8",
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    maxBuffer: 2 ** 24,
  });
  return stdout?.includes(FLAG) ?? false;
}

/** Compiles at once, with all the optimisation there will be. Workers that are sent the modules share their code. */
export function compileRevectorized(binaries: readonly Uint8Array[]): WasmModule[] {
  const given = `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`;
  const ours = FLAGS.filter(([on]) => !given.includes(on));
  for (const [on] of ours) setFlagsFromString(on);
  try {
    return binaries.map((binary) => new WebAssembly.Module(Uint8Array.from([...binary, ...CUSTOM_SECTION])));
  } finally {
    for (const [, off] of ours) setFlagsFromString(off);
  }
}
