import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { textHash, VectorIndex } from "../../../src/cli/search/vector-index.ts";
import { TemporaryFolder } from "../temporary-folder.ts";

const probe = Float32Array.of(0.6, 0.8, 0);

async function open(file: string, by: Float32Array = probe): Promise<{ index: VectorIndex; problems: string[] }> {
  const problems: string[] = [];
  return { index: await VectorIndex.open(file, by, (reason) => problems.push(reason)), problems };
}

async function saved(folder: TemporaryFolder): Promise<string> {
  const file = folder.file("deep", "a.vectors");
  const { index } = await open(file);
  index.set(textHash("one"), Float32Array.of(1, 2, 3));
  index.set(textHash("two"), Float32Array.of(-0.5, 0, 1e-30));
  await index.save();
  return file;
}

describe("VectorIndex", () => {
  it("returns the vectors it was given, bit for bit, and leaves no other file", async () => {
    using folder = new TemporaryFolder();
    const { index, problems } = await open(await saved(folder));
    assert.deepEqual(problems, []);
    assert.equal(index.size, 2);
    assert.deepEqual(index.get(textHash("two")), Float32Array.of(-0.5, 0, 1e-30));
    assert.equal(index.get(textHash("three")), undefined);
    assert.deepEqual(readdirSync(folder.file("deep")), ["a.vectors"]);
  });

  it("is empty, without a word, where there is no file", async () => {
    using folder = new TemporaryFolder();
    const { index, problems } = await open(folder.file("none"));
    assert.deepEqual([index.size, problems], [0, []]);
    await index.save();
    assert.deepEqual(readdirSync(folder.path), [], "nothing new, nothing written");
  });

  it("allows for rounding in the probe and refuses another model's index", async () => {
    using folder = new TemporaryFolder();
    const file = await saved(folder);
    assert.equal((await open(file, Float32Array.of(0.600001, 0.799999, 0))).index.size, 2);
    for (const other of [Float32Array.of(0.61, 0.79, 0), Float32Array.of(0.6, 0.8)]) {
      const { index, problems } = await open(file, other);
      assert.equal(index.size, 0);
      assert.match(problems[0] ?? "", /made by another model/);
    }
  });

  it("notices every damaged byte, every truncation and foreign files, and mends the file", async () => {
    using folder = new TemporaryFolder();
    const file = await saved(folder);
    const whole = readFileSync(file);
    const damaged = fc.oneof(
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
        const copy = Buffer.from(whole);
        copy[at] = (copy[at] ?? 0) ^ change;
        return copy;
      }),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        writeFileSync(file, bytes);
        const { index, problems } = await open(file);
        assert.deepEqual([index.size, problems.length], [0, 1]);
      }),
    );
    const { index } = await open(file);
    index.set(textHash("three"), Float32Array.of(1, 0, 0));
    await index.save();
    assert.equal((await open(file)).index.size, 1);
  });

  it("says which version an old index has", async () => {
    using folder = new TemporaryFolder();
    const file = await saved(folder);
    const bytes = readFileSync(file);
    bytes.writeUInt32LE(99, 8);
    writeFileSync(file, bytes);
    assert.match((await open(file)).problems[0] ?? "", /index version 99, this program writes 1/);
  });

  it("survives many writers at once: the file is always whole", async () => {
    using folder = new TemporaryFolder();
    const file = await saved(folder);
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        const { index, problems } = await open(file);
        index.set(textHash(`writer ${writer}`), Float32Array.of(writer, 0, 0));
        await index.save();
        assert.deepEqual(problems, []);
      }),
    );
    const { index, problems } = await open(file);
    assert.deepEqual(problems, []);
    assert.ok(index.size >= 3);
  });
});
