// Compiles src/kernels/wasm/assembly/*.ts (AssemblyScript) to dist/wasm/*.wasm, twice each: NAME.simd.wasm for every
// engine with SIMD128, NAME.relaxed.wasm for those with relaxed SIMD. Plain JavaScript, since it runs before anything
// is compiled. Unchanged kernels are not compiled again: dist/wasm/hashes.json says from what each file was made.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { basename, join } from "node:path";

const sources = fileURLToPath(new URL("../src/kernels/wasm/assembly/", import.meta.url));
const output = fileURLToPath(new URL("../dist/wasm/", import.meta.url));
const hashesFile = join(output, "hashes.json");

/** Kernels keep no state of their own: no heap, no static data that several modules would place at one address. */
const FLAGS = (
  "-O2 --noAssert --runtime stub --importMemory --noExportMemory " +
  "--sharedMemory --maximumMemory 65536 --enable simd --enable threads"
).split(" ");
const VARIANTS = { simd: [], relaxed: ["--enable", "relaxed-simd"] };

mkdirSync(output, { recursive: true });
const before = readJson(hashesFile);
const after = {};
const entries = filesOf(sources);
const compiler = fileURLToPath(import.meta.resolve("assemblyscript/package.json"));
const common = hash([fileURLToPath(import.meta.url), compiler, ...filesOf(join(sources, "parts"))].map(read));
for (const entry of entries) {
  const name = basename(entry, ".ts");
  const digest = hash([common, read(entry)]);
  for (const [variant, flags] of Object.entries(VARIANTS)) {
    const file = `${name}.${variant}.wasm`;
    if (before[file] !== digest || !existsSync(join(output, file))) await compile(entry, join(output, file), flags);
    after[file] = digest;
  }
}
for (const file of readdirSync(output)) {
  if (file.endsWith(".wasm") && !(file in after)) rmSync(join(output, file));
}
writeFileSync(hashesFile, JSON.stringify(after, null, 1));

async function compile(entry, file, flags) {
  const { default: asc } = await import("assemblyscript/asc");
  const messages = asc.createMemoryStream();
  const { error } = await asc.main([basename(entry), ...FLAGS, ...flags, "-o", "out.wasm"], {
    stderr: messages,
    readFile: (name, base) => tryRead(join(base === "." ? sources : join(sources, base), name)) ?? null,
    writeFile: (_name, contents) => writeFileSync(file, checked(contents, file)),
    listFiles: () => [],
  });
  if (error) {
    console.error(messages.toString());
    throw error;
  }
}

/** Refuses static data: two modules would both place it at the start of the one memory they share. */
function checked(wasm, file) {
  const DATA_SECTION = 11;
  for (let at = 8; at < wasm.length;) {
    const id = wasm[at++];
    const size = leb128(wasm, at);
    if (id === DATA_SECTION) throw new Error(`${file}: has static data; keep constants in code`);
    at = size.next + size.value;
  }
  return wasm;
}

function leb128(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return { value, next: at };
  }
}

function filesOf(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => join(folder, file));
}

function read(file) {
  return readFileSync(file);
}

function tryRead(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function readJson(file) {
  return JSON.parse(tryRead(file) ?? "{}");
}

function hash(parts) {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
}
