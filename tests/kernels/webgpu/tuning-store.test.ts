import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type TunedProduct, type TuningKey, TuningStore } from "../../../src/kernels/webgpu/tuning-store.ts";

const KEY: TuningKey = { adapter: "GPU", vendor: "v", architecture: "a", driver: "1.2", dawn: "0.6.2", kernels: "abc" };
const PRODUCTS: readonly TunedProduct[] = [
  { columns: 4096, depth: 1024, dtype: "BF16", rows: 16, tile: "tiled 32x64x16" },
  { columns: 4096, depth: 1024, dtype: "BF16", rows: null, tile: "tiled 128x128x8" },
];

describe("the store of tuning results", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "qwen3-tuning-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("reads what was written, in a folder that it makes, and leaves nothing else there", async () => {
    const store = new TuningStore(join(folder, "a/b"), KEY);
    assert.deepEqual(await store.read(), []);
    await store.write(PRODUCTS);
    assert.deepEqual(await new TuningStore(join(folder, "a/b"), { ...KEY }).read(), PRODUCTS);
    assert.equal(readdirSync(join(folder, "a/b")).length, 1);
  });

  it("keeps every adapter, driver, Dawn and set of kernels apart", async () => {
    await new TuningStore(folder, KEY).write(PRODUCTS);
    for (const part of Object.keys(KEY)) {
      assert.deepEqual(await new TuningStore(folder, { ...KEY, [part]: "other" }).read(), [], part);
    }
  });

  it("takes a damaged or foreign file for none", async () => {
    const store = new TuningStore(folder, KEY);
    const foreign = { key: { ...KEY, driver: "other" }, products: PRODUCTS };
    const unlike = [null, [], "text", { key: KEY }, { key: KEY, products: 3 }, foreign].map((content) =>
      JSON.stringify(content),
    );
    for (const content of ["", "{", '{"key":', ...unlike]) {
      writeFileSync(store.file, content);
      assert.deepEqual(await store.read(), [], content);
    }
    const [good] = PRODUCTS;
    const bad = [null, 3, { ...good, columns: "4096" }, { ...good, rows: 1.5 }, { ...good, tile: 7 }, {}];
    writeFileSync(store.file, JSON.stringify({ key: KEY, products: [...bad, good] }));
    assert.deepEqual(await store.read(), [good]);
  });

  it("forgets where nothing can be written", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const store = new TuningStore(join(file, "below"), KEY);
    await store.write(PRODUCTS);
    assert.deepEqual(await store.read(), []);

    const closed = join(folder, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    await new TuningStore(closed, KEY).write(PRODUCTS); // root may write it anyway
    chmodSync(closed, 0o700);
  });

  it("is whole whenever it is read, however many write", async () => {
    const store = new TuningStore(folder, KEY);
    await store.write(PRODUCTS);
    const writes = Array.from({ length: 20 }, () => new TuningStore(folder, KEY).write(PRODUCTS));
    const reads = await Promise.all(Array.from({ length: 20 }, () => store.read()));
    for (const read of reads) assert.deepEqual(read, PRODUCTS);
    await Promise.all(writes);
    assert.ok(readdirSync(folder).every((name) => !name.startsWith(store.file)));
  });
});
