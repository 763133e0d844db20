import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

const SOURCES = new URL("../../../../src/kernels/", import.meta.url);

/** What AssemblyScript and the launchers must agree about: they size memory that kernels write. */
const SHARED: Readonly<Record<string, readonly (readonly [file: string, constant: string])[]>> = {
  "keys of a block": [
    ["wasm/attention.ts", "BLOCK_KEYS"],
    ["wasm/assembly/parts/attention-work.ts", "BLOCK_KEYS"],
  ],
  "columns of a panel": [
    ["wasm/product.ts", "PANEL_COLUMNS"],
    ["kept-bytes.ts", "PANEL_ROWS"],
    ["wasm/assembly/parts/panels.ts", "PANEL_COLUMNS"],
  ],
  "bytes before a panel's eight-bit values": [
    ["wasm/load-quantized.ts", "PANEL_HEAD_BYTES"],
    ["kept-bytes.ts", "PANEL_HEAD_BYTES"],
    ["wasm/assembly/parts/tile-int.ts", "PANEL_HEAD"],
  ],
  "columns balanced together": [
    ["wasm/load-quantized.ts", "BALANCE_COLUMNS"],
    ["wasm/assembly/quantize-weights.ts", "BALANCE_COLUMNS"],
  ],
  "bytes of a checksum's block": [
    ["wasm/load-quantized.ts", "CHECKED_BYTES"],
    ["wasm/assembly/checksum.ts", "BLOCK_BYTES"],
  ],
};

describe("constants of launchers and kernels", () => {
  for (const [what, places] of Object.entries(SHARED)) {
    it(`agree about ${what}`, () => {
      const values = places.map(([file, name]) => valueOf(file, name));
      assert.ok(values.every((value) => value === values[0]), `${places.join("; ")}: ${values.join(", ")}`); // oxfmt-ignore
    });
  }

  it("agree about what lies before a product's sums", () => {
    const kernel = "wasm/assembly/parts/product.ts";
    const expected = valueOf(kernel, "PART_BYTES") + valueOf(kernel, "BLOCK_DEPTH") * 32;
    assert.equal(valueOf("wasm/product.ts", "BEFORE_SUMS_BYTES"), expected);
    assert.ok(fieldBytes(kernel, "Part") <= valueOf(kernel, "PART_BYTES"));
  });

  it("agree about the words of attention's tasks", () => {
    const bytes = fieldBytes("wasm/assembly/parts/attention-work.ts", "Task");
    assert.equal(bytes, 4 * valueOf("wasm/attention.ts", "TASK_WORDS"));
  });
});

/** The value of a constant that is made of numbers, `*`, `+`, `**` and `<<`. */
function valueOf(file: string, name: string): number {
  const source = readFileSync(new URL(file, SOURCES), "utf8");
  const found = new RegExp(`^(?:export )?const ${name}(?:: \\w+)? = ([^;]+);`, "m").exec(source)?.[1];
  assert.ok(found, `${file} has no constant ${name}`);
  return found.split("+").reduce((sum, product) => sum + productOf(product), 0);
}

function productOf(text: string): number {
  const [base = "", shift = "0"] = text.split("<<");
  const factors = base.split(/(?<!\*)\*(?!\*)/).map((factor) => {
    const [root = Number.NaN, power = 1] = factor.split("**").map(Number);
    return root ** power;
  });
  return factors.reduce((product, factor) => product * factor, 1) * 2 ** Number(shift);
}

/** Bytes of an unmanaged class all of whose fields are 32 bits wide. */
function fieldBytes(file: string, name: string): number {
  const source = readFileSync(new URL(file, SOURCES), "utf8");
  const body = new RegExp(`class ${name} \\{([^}]*)\\}`).exec(source)?.[1] ?? "";
  return 4 * [...body.matchAll(/^ {2}\w+: (?:i32|u32|f32|usize);$/gm)].length;
}
