import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { Qwen3Error } from "../../src/core/errors.ts";
import { SafetensorsFile } from "../../src/weights/safetensors-file.ts";
import { goldens, sha256, temporaryFolder } from "./fixtures.ts";

/** npm `safetensors` 0.0.1, a whole-buffer reader without types. */
const { SafeTensor } = createRequire(import.meta.url)("safetensors") as {
  SafeTensor: new (bytes: Uint8Array) => { getTensor(name: string): Uint8Array };
};

type Tensors = Record<string, { dtype: string; shape: number[]; bytes: number; sha256: string }>;

interface ManifestRow {
  file: string;
  valid_by_format: boolean | null;
  reference: "accept" | "reject";
  tensors?: Tensors;
  metadata?: Record<string, string> | null;
  offset_order?: string[];
}

const folder = join(goldens, "safetensors");
const { files } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as { files: ManifestRow[] };
const fuzz = gunzipSync(readFileSync(join(folder, "fuzz.jsonl.gz")))
  .toString()
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { file: string; reference: "accept" | "reject"; tensors?: Tensors });

/** Files that the reference library takes although they break the format's own text. docs/safetensors.md lists them. */
const STRICTER = [
  "not-brace-space",
  "not-brace-newline",
  "entry-array",
  "duplicate-key-same",
  "duplicate-key-first-wrong",
];

async function openedAndRead(path: string): Promise<{ file: SafetensorsFile; tensors: Tensors }> {
  await using file = await SafetensorsFile.open(path);
  const tensors: Tensors = Object.create(null) as Tensors;
  for (const [name, { dtype, shape, byteLength }] of file.tensors) {
    tensors[name] = { dtype, shape: [...shape], bytes: byteLength, sha256: sha256(await file.read(name)) };
  }
  return { file, tensors };
}

function isRefusalOf(path: string) {
  return (error: unknown): true => {
    assert.ok(error instanceof Qwen3Error, String(error));
    assert.equal(error.code, "invalid-checkpoint");
    assert.ok(error.message.startsWith(`${path}: `), error.message);
    assert.ok(error.message.length < path.length + 400, error.message);
    return true;
  };
}

describe("safetensors files of the goldens", () => {
  it("are all here", () => {
    assert.equal(files.length, 127);
    assert.equal(fuzz.length, 400);
    const laxer = files.filter((row) => row.reference === "accept" && row.valid_by_format === false);
    assert.deepEqual(laxer.map(({ file }) => basename(file, ".safetensors")).sort(), STRICTER.toSorted());
  });

  for (const row of files) {
    const path = join(folder, row.file);
    const accepted = row.reference === "accept" && row.valid_by_format !== false;
    it(`${accepted ? "reads" : "refuses"} ${basename(path)}`, async () => {
      if (!accepted) return assert.rejects(SafetensorsFile.open(path), isRefusalOf(path));
      const { file, tensors } = await openedAndRead(path);
      assert.deepEqual({ ...tensors }, { ...row.tensors });
      assert.deepEqual(Object.fromEntries(file.metadata), row.metadata ?? {});
      const offsets = (names: Iterable<string>) => Array.from(names, (name) => file.tensors.get(name)?.byteOffset);
      assert.deepEqual(offsets(file.tensors.keys()), offsets(row.offset_order ?? []));
    });
  }

  it("agree with the npm package safetensors, which takes no metadata", () => {
    for (const row of files.filter(({ valid_by_format: valid }) => valid === true)) {
      const bytes = new Uint8Array(readFileSync(join(folder, row.file)));
      if (row.metadata) {
        assert.throws(() => new SafeTensor(bytes), TypeError, row.file);
        continue;
      }
      const other = new SafeTensor(bytes);
      for (const [name, expected] of Object.entries(row.tensors ?? {})) {
        assert.equal(sha256(other.getTensor(name)), expected.sha256, `${row.file}: ${name}`);
      }
    }
  });

  it("judges 400 mutated files as the reference library does", async () => {
    await using temporary = await temporaryFolder();
    const path = join(temporary.path, "mutated.safetensors");
    for (const [i, row] of fuzz.entries()) {
      await writeFile(path, Buffer.from(row.file, "base64"));
      if (row.reference === "reject") {
        await assert.rejects(SafetensorsFile.open(path), isRefusalOf(path), `row ${i}`);
      } else {
        assert.deepEqual({ ...(await openedAndRead(path)).tensors }, { ...row.tensors }, `row ${i}`);
      }
    }
  });
});
