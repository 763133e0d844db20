/** Whatever is done to a file: it is read as it stands, or refused with our error; nothing else, and nothing slow. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { DTYPE_BITS } from "../../src/core/dtype.ts";
import { Qwen3Error } from "../../src/core/errors.ts";
import { SafetensorsFile } from "../../src/weights/safetensors-file.ts";
import { pack, temporaryFolder } from "./fixtures.ts";

interface Made {
  readonly bytes: Uint8Array;
  readonly headerLength: number;
  readonly tensors: ReadonlyMap<string, { dtype: string; shape: number[]; data: Uint8Array }>;
}

const tensor = fc.record({
  dtype: fc.constantFrom(...Object.entries(DTYPE_BITS).filter(([, bits]) => bits % 8 === 0)),
  shape: fc.array(fc.nat(5), { maxLength: 3 }),
  seed: fc.nat(255),
});

/** Valid files of a few tensors, in any key order. */
const made: fc.Arbitrary<Made> = fc
  .tuple(
    fc.array(fc.tuple(fc.string({ unit: "binary" }), tensor), { maxLength: 6 }),
    fc.option(fc.dictionary(fc.string({ unit: "grapheme" }), fc.string()), { nil: undefined }),
    fc.nat(20),
  )
  .map(([entries, metadata, padding]) => {
    const tensors = new Map<string, { dtype: string; shape: number[]; data: Uint8Array }>();
    const header = new Map<string, object>(metadata ? [["__metadata__", metadata]] : []);
    let end = 0;
    for (const [name, { dtype, shape, seed }] of entries.filter(([key]) => key !== "__metadata__")) {
      if (tensors.has(name)) continue;
      const byteLength = shape.reduce((product, size) => product * size, dtype[1] / 8);
      const data = Uint8Array.from({ length: byteLength }, (_, i) => seed + i);
      tensors.set(name, { dtype: dtype[0], shape, data });
      header.set(name, { dtype: dtype[0], shape, data_offsets: [end, (end += byteLength)] });
    }
    const fields = [...header].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    const json = `{${fields.join(",")}}${" ".repeat(padding)}`;
    const data = Buffer.concat([...tensors.values()].map((each) => each.data));
    return { bytes: pack(json, data), headerLength: Buffer.byteLength(json), tensors };
  });

type Mutation = (bytes: Buffer, headerLength: number) => Buffer;

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  // Any byte, anywhere, more often one that means something in JSON.
  fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:0123456789-.eE\\u \n')))).map(
    ([at, byte]): Mutation =>
      (bytes) => (bytes.length > 0 && (bytes[at % bytes.length] = byte), bytes),
  ),
  // The end is missing, or there is too much of it.
  fc.nat().map(
    (at): Mutation =>
      (bytes) =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map(
    (rest): Mutation =>
      (bytes) =>
        Buffer.concat([bytes, rest]),
  ),
  // The claimed length of the header.
  fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 300n)).map(
    (length): Mutation =>
      (bytes) => (bytes.length >= 8 && bytes.writeBigUInt64LE(length), bytes),
  ),
  // Another number somewhere in the header, its length put right.
  fc
    .tuple(
      fc.nat(),
      fc.constantFrom(
        "0",
        "1",
        "-1",
        "7",
        "1.0",
        "1e3",
        "4294967296",
        "9007199254740993",
        "18446744073709551616",
        "null",
      ),
    )
    .map(([which, number]): Mutation => (bytes, headerLength) => {
      const header = bytes.toString("latin1", 8, 8 + headerLength);
      const numbers = [...header.matchAll(/\d+/g)];
      const chosen = numbers[which % (numbers.length || 1)];
      if (!chosen) return bytes;
      const changed = header.slice(0, chosen.index) + number + header.slice(chosen.index + chosen[0].length);
      return Buffer.from(pack(Buffer.from(changed, "latin1"), bytes.subarray(8 + headerLength)));
    }),
);

describe("SafetensorsFile, on generated files", () => {
  it("reads back exactly what was written", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "made");
    const check = async ({ bytes, tensors }: Made): Promise<void> => {
      await writeFile(path, bytes);
      await using file = await SafetensorsFile.open(path);
      assert.deepEqual([...file.tensors.keys()].sort(), [...tensors.keys()].sort());
      for (const [name, { dtype, shape, data }] of tensors) {
        const { byteOffset: _, ...info } = file.tensors.get(name) ?? { byteOffset: 0 };
        assert.deepEqual(info, { dtype, shape, byteLength: data.byteLength });
        assert.deepEqual(await file.read(name), data);
      }
    };
    await fc.assert(fc.asyncProperty(made, check), { numRuns: 300 });
  });

  it("reads or refuses mutated ones, and never hands out bytes beyond a tensor's own", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "mutated");
    const seen = { read: 0, refused: 0 };
    const check = async (original: Made, mutations: readonly Mutation[]): Promise<void> => {
      let bytes: Buffer = Buffer.from(original.bytes);
      for (const mutate of mutations) bytes = mutate(bytes, original.headerLength);
      await writeFile(path, bytes);
      const opened = await SafetensorsFile.open(path).catch((error: unknown) => error);
      if (!(opened instanceof SafetensorsFile)) {
        assert.ok(opened instanceof Qwen3Error && opened.code === "invalid-checkpoint", String(opened));
        seen.refused++;
        return;
      }
      await using file = opened;
      seen.read++;
      const parts = [];
      for (const name of file.tensors.keys()) parts.push(await file.read(name));
      const data = (await readFile(path)).subarray(8 + Number(bytes.readBigUInt64LE()));
      assert.deepEqual(Buffer.concat(parts), data, "the tensors are the data, once and in order");
    };
    await fc.assert(fc.asyncProperty(made, fc.array(mutation, { minLength: 1, maxLength: 3 }), check), {
      numRuns: 2000,
    });
    assert.ok(seen.read > 50 && seen.refused > 500, JSON.stringify(seen));
  });
});
