import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { open, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SafetensorsFile } from "../../src/weights/safetensors-file.ts";
import { goldens, pack, packTo, temporaryFolder } from "./fixtures.ts";

const example = join(goldens, "safetensors/files/special-values.safetensors");

/** A file of 300 bytes of tensors: `first` U8 [100], `second` U16 [10, 10]. Byte i of the data is i % 251. */
async function numbered(folder: string): Promise<{ path: string; data: Uint8Array }> {
  const data = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
  const header = {
    first: { dtype: "U8", shape: [100], data_offsets: [0, 100] },
    second: { dtype: "U16", shape: [10, 10], data_offsets: [100, 300] },
  };
  return { path: await packTo(join(folder, "numbered.safetensors"), header, data), data };
}

describe("SafetensorsFile", () => {
  it("reads any range of a tensor into any kind of memory", async () => {
    await using folder = await temporaryFolder();
    const { path, data } = await numbered(folder.path);
    await using file = await SafetensorsFile.open(path);
    for (const memory of [new ArrayBuffer(400), new SharedArrayBuffer(400)]) {
      const all = new Uint8Array(memory, 0, 400);
      await file.readRange("second", 37, all.subarray(11, 11 + 99));
      assert.deepEqual(all.slice(11, 110), data.slice(137, 236));
      assert.deepEqual([...all.slice(0, 11), ...all.slice(110)], Array<number>(301).fill(0), "wrote outside");
      const filled = await file.read("first", all);
      assert.equal(filled.buffer, memory);
      assert.deepEqual(filled.slice(), data.slice(0, 100));
    }
    assert.deepEqual(await file.read("second"), data.slice(100));
  });

  it("serves many reads at once", async () => {
    await using folder = await temporaryFolder();
    const { path, data } = await numbered(folder.path);
    await using file = await SafetensorsFile.open(path);
    const pieces = Array.from({ length: 200 }, () => new Uint8Array(1));
    await Promise.all(pieces.map((piece, i) => file.readRange("second", i, piece)));
    assert.deepEqual(Buffer.concat(pieces), Buffer.from(data.slice(100)));
  });

  it("gives float32 values, into shared memory too, across its internal chunks", async () => {
    await using folder = await temporaryFolder();
    const count = 2 ** 19 + 12_345;
    const stored = Uint8Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 0x3f : i % 256));
    const header = { a: { dtype: "BF16", shape: [count], data_offsets: [0, 2 * count] } };
    await using file = await SafetensorsFile.open(await packTo(join(folder.path, "a"), header, stored));
    const into = new Float32Array(new SharedArrayBuffer(4 * count + 4), 4);
    const values = await file.readFloat32("a", into);
    assert.equal(values.buffer, into.buffer);
    const bits = new Uint32Array(values.buffer, 4);
    assert.equal(
      bits.findIndex((bit, i) => bit !== (0x3f00 + ((2 * i) % 256)) * 65536),
      -1,
    );
    assert.deepEqual(await file.readFloat32("a"), new Float32Array(values));
  });

  it("says which dtypes have no float32 form", async () => {
    await using file = await SafetensorsFile.open(join(goldens, "safetensors/files/newer-dtype-c64.safetensors"));
    const [name = ""] = file.tensors.keys();
    await assert.rejects(file.readFloat32(name), { code: "unsupported", message: /C64.*read\(\)/ });
    assert.equal((await file.read(name)).byteLength, 32);
  });

  it("refuses unknown names, ranges outside a tensor and buffers that are too small", async () => {
    await using file = await SafetensorsFile.open(example);
    await assert.rejects(file.read("nothing"), { code: "not-found", message: /no tensor 'nothing'/ });
    const tooFar = { code: "invalid-argument", message: /it has 32/ };
    await assert.rejects(file.readRange("f32", 31, new Uint8Array(2)), tooFar);
    await assert.rejects(file.readRange("f32", -1, new Uint8Array(1)), tooFar);
    await assert.rejects(file.readRange("f32", 0.5, new Uint8Array(1)), tooFar);
    await assert.rejects(file.read("f32", new Uint8Array(31)), { code: "invalid-argument", message: /room for 31/ });
    await assert.rejects(file.readFloat32("i64", new Float32Array(7)), { message: /8 values.* room for 7/ });
    await file.readRange("f32", 32, new Uint8Array(0));
  });

  it("refuses to read once it is closed, and closes twice", async () => {
    const file = await SafetensorsFile.open(example);
    const pending = file.read("f32");
    await file.close();
    await file.close();
    assert.equal((await pending).byteLength, 32);
    await assert.rejects(file.read("f32"), { code: "disposed", message: /special-values/ });
  });

  it("names what is not a file, without waiting for it", async () => {
    await using folder = await temporaryFolder();
    const missing = join(folder.path, "no.safetensors");
    await assert.rejects(SafetensorsFile.open(missing), { code: "not-found", message: `${missing} does not exist` });
    await assert.rejects(SafetensorsFile.open(join(example, "x")), { code: "not-found" });
    await assert.rejects(SafetensorsFile.open(folder.path), { message: /is a folder, expected a file/ });
    const pipe = join(folder.path, "pipe");
    execFileSync("mkfifo", [pipe]);
    await assert.rejects(SafetensorsFile.open(pipe), { message: /a device or a pipe, expected a file/ });
  });

  it("notices a file that shrinks while it is open", async () => {
    await using folder = await temporaryFolder();
    const { path } = await numbered(folder.path);
    await using file = await SafetensorsFile.open(path);
    await truncate(path, readFileSync(path).byteLength - 10);
    await assert.rejects(file.read("second"), { code: "invalid-checkpoint", message: /changed while it was in use/ });
  });

  it("allocates nothing for what a file claims", async () => {
    await using folder = await temporaryFolder();
    const size = 2 ** 40;
    const header = JSON.stringify({ huge: { dtype: "F32", shape: [2 ** 19, 2 ** 19], data_offsets: [0, size] } });
    const sparse = async (path: string, bytes: Uint8Array, end: number): Promise<string> => {
      await writeFile(path, bytes);
      await truncate(path, end);
      return path;
    };
    const before = process.memoryUsage().arrayBuffers;

    const claim = await packTo(join(folder.path, "claim"), header);
    await assert.rejects(SafetensorsFile.open(claim), { message: /is it a partial download/ });
    const holey = await sparse(join(folder.path, "holey"), pack(header), 8 + header.length + size);
    await using file = await SafetensorsFile.open(holey);
    await assert.rejects(file.read("huge"), { code: "too-large", message: /1099511627776 bytes; read it in parts/ });
    await assert.rejects(file.readFloat32("huge"), { code: "too-large" });
    const last = new Uint8Array(16).fill(1);
    await file.readRange("huge", size - 16, last);
    assert.deepEqual([...last], Array<number>(16).fill(0));
    // A header as long as the limit, in a file that is long enough: refused by its first byte.
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(100_000_000n);
    const zeros = await sparse(join(folder.path, "zeros"), length, 2 ** 30);
    await assert.rejects(SafetensorsFile.open(zeros), { message: /begins with byte 0x00/ });

    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
  });

  it("refuses a size that overflows on the way to zero, as the reference library does", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "overflow");
    const withShape = (shape: number[]) => packTo(path, { a: { dtype: "U8", shape, data_offsets: [0, 0] } });
    await withShape([2 ** 40, 2 ** 40, 0]);
    await assert.rejects(SafetensorsFile.open(path), {
      message: /the size of U8 \[1099511627776, .*\] overflows 64 bits/,
    });
    for (const shape of [
      [2 ** 50, 8, 0],
      [0, 2 ** 40, 2 ** 40],
    ]) {
      await withShape(shape);
      await using file = await SafetensorsFile.open(path);
      assert.deepEqual(file.tensors.get("a")?.shape, shape);
    }
  });

  it("keeps no file open that it refused", async () => {
    const folder = join(goldens, "safetensors/files");
    const held = () => readdirSync("/dev/fd").length;
    const before = held();
    for (const name of await readdir(folder))
      await SafetensorsFile.open(join(folder, name)).then((file) => file.close(), String);
    assert.equal(held(), before);
    await using still = await open(example);
    assert.ok(still.fd > 0 && held() === before + 1, "the count sees an open file");
  });
});
