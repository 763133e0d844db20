import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { bundledFolder } from "../../src/weights/bundled.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { SafetensorsFile } from "../../src/weights/safetensors-file.ts";
import { goldens, packTo, temporaryFolder } from "./fixtures.ts";

const models = join(goldens, "models");

interface Case {
  readonly folder: string;
  readonly prefix: string;
  readonly dtype: string;
  readonly hidden: number;
  readonly tensors: number;
  readonly files: number;
}

const CASES: readonly Case[] = [
  { folder: join(models, "mini-embed"), prefix: "", dtype: "BF16", hidden: 64, tensors: 35, files: 1 },
  { folder: join(models, "mini-causal"), prefix: "model.", dtype: "F32", hidden: 96, tensors: 25, files: 3 },
  { folder: join(models, "mini-wide"), prefix: "model.", dtype: "F16", hidden: 256, tensors: 24, files: 1 },
  { folder: join(models, "mini-outlier"), prefix: "", dtype: "BF16", hidden: 64, tensors: 24, files: 1 },
  { folder: bundledFolder("qwen3-embedding-tiny"), prefix: "", dtype: "BF16", hidden: 192, tensors: 46, files: 1 },
];

/** A checkpoint of two shards with tensors a, b and c of four bytes each, which a test then breaks. */
async function sharded(folder: string, weightMap: unknown): Promise<string> {
  const one = (name: string, at: number) => ({ [name]: { dtype: "U8", shape: [4], data_offsets: [at, at + 4] } });
  await writeFile(join(folder, "config.json"), "{}");
  await packTo(join(folder, "x1.safetensors"), { ...one("a", 0), ...one("b", 4) }, Buffer.from("aaaabbbb"));
  await packTo(join(folder, "x2.safetensors"), one("c", 0), Buffer.from("cccc"));
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
  return folder;
}

const GOOD_MAP = { a: "x1.safetensors", b: "x1.safetensors", c: "x2.safetensors" };

describe("Checkpoint", () => {
  for (const { folder, prefix, dtype, hidden, tensors, files } of CASES) {
    it(`opens ${folder.split("/").at(-1)}: ${files} file(s) of ${dtype}`, async () => {
      await using checkpoint = await Checkpoint.open(folder);
      assert.equal(checkpoint.name, folder.split("/").at(-1));
      assert.equal(checkpoint.tensorPrefix, prefix);
      assert.equal(checkpoint.tensors.size, tensors);
      assert.equal(checkpoint.files.length, files);
      assert.equal((checkpoint.config as { hidden_size: number }).hidden_size, hidden);
      assert.equal(checkpoint.metadata.get("format"), "pt");
      const name = `${prefix}norm.weight`;
      assert.deepEqual(checkpoint.tensors.get(name)?.shape, [hidden]);
      assert.ok([...checkpoint.tensors.values()].every((tensor) => tensor.dtype === dtype));
      assert.equal((await checkpoint.readFloat32(name)).length, hidden);
    });
  }

  it("reads tensors of every shard like the files themselves", async () => {
    const folder = join(models, "mini-causal");
    await using checkpoint = await Checkpoint.open(folder);
    const shards = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
    for (const shard of shards) {
      await using file = await SafetensorsFile.open(join(folder, shard));
      for (const [name, info] of file.tensors) {
        assert.deepEqual(checkpoint.tensors.get(name), info);
        const bytes = await file.read(name);
        assert.deepEqual(await checkpoint.read(name), bytes);
        const part = new Uint8Array(8);
        await checkpoint.readRange(name, 4, part);
        assert.deepEqual(part, bytes.subarray(4, 12));
      }
    }
    await assert.rejects(checkpoint.read("lm_head"), { code: "not-found", message: /mini-causal has no tensor/ });
  });

  it("takes several dtypes in one file, and says which each is", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "config.json"), "{}");
    const header = {
      "model.norm.weight": { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      "model.embed_tokens.weight": { dtype: "BF16", shape: [1, 2], data_offsets: [4, 8] },
      "lm_head.weight": { dtype: "F16", shape: [1], data_offsets: [8, 10] },
    };
    const data = new Uint8Array([0, 0, 0x80, 0x3f, 0x80, 0x3f, 0, 0x40, 0, 0x3c]);
    await packTo(join(folder.path, "model.safetensors"), header, data);
    await using checkpoint = await Checkpoint.open(folder.path);
    const values = [];
    for (const name of Object.keys(header)) values.push(...(await checkpoint.readFloat32(name)));
    assert.deepEqual(values, [1, 1, 2, 1]);
    assert.equal(checkpoint.tensorPrefix, "model.");
  });

  it("gives the files beside the weights, or undefined where there are none", async () => {
    await using bundled = await Checkpoint.open(bundledFolder("qwen3-embedding-tiny"));
    assert.equal(
      ((await bundled.json("1_Pooling/config.json")) as Record<string, unknown>)["pooling_mode_lasttoken"],
      true,
    );
    assert.equal(((await bundled.json("./modules.json")) as unknown[]).length, 3);
    assert.match(readFileSync(bundled.file("tokenizer.json") ?? "", "utf8"), /^\{/);
    await using bare = await Checkpoint.open(join(models, "mini-embed"));
    assert.equal(await bare.json("modules.json"), undefined);
    assert.equal(await bare.json("1_Pooling/config.json"), undefined);
    assert.equal(bare.file("tokenizer.json"), undefined);
  });

  it("does not follow paths out of its folder, which other files may ask for", async () => {
    await using checkpoint = await Checkpoint.open(join(models, "mini-embed"));
    for (const path of ["../mini-wide/config.json", "/etc/passwd", "a/../../b", "..", "a\0b"]) {
      assert.throws(() => checkpoint.file(path), { code: "invalid-checkpoint", message: /leads out of/ }, path);
      await assert.rejects(checkpoint.json(path), { code: "invalid-checkpoint" }, path);
    }
    assert.equal(checkpoint.file("..hidden"), undefined);
  });

  it("refuses JSON files that are damaged or far too large", async () => {
    await using folder = await temporaryFolder();
    await sharded(folder.path, GOOD_MAP);
    await using checkpoint = await Checkpoint.open(folder.path);
    const modules = join(folder.path, "modules.json");
    await writeFile(modules, "[1,");
    await assert.rejects(checkpoint.json("modules.json"), { message: /modules\.json is not JSON: / });
    await writeFile(modules, new Uint8Array([0x22, 0xff, 0x22]));
    await assert.rejects(checkpoint.json("modules.json"), { message: /modules\.json is not UTF-8/ });
    await truncate(modules, 2 ** 40);
    await assert.rejects(checkpoint.json("modules.json"), { message: /has 1099511627776 bytes, expected at most/ });
    await mkdir(join(folder.path, "folder.json"));
    await assert.rejects(checkpoint.json("folder.json"), { code: "invalid-checkpoint", message: /is not a file/ });
  });

  it("says what a folder lacks", async () => {
    await using folder = await temporaryFolder();
    const nowhere = join(folder.path, "nowhere");
    await assert.rejects(Checkpoint.open(nowhere), { code: "not-found", message: /nowhere does not exist/ });
    await assert.rejects(Checkpoint.open(folder.path), { code: "not-found", message: /has no config\.json/ });
    await writeFile(join(folder.path, "config.json"), "{}");
    await writeFile(join(folder.path, "pytorch_model.bin"), "");
    const message = /neither model\.safetensors nor model\.safetensors\.index\.json; it has 'pytorch_model\.bin'/;
    await assert.rejects(Checkpoint.open(folder.path), { code: "not-found", message });
    await symlink(join(folder.path, "gone"), join(folder.path, "model.safetensors"));
    const gone = /model\.safetensors is a link to a file that is gone; fetch the model again$/;
    await assert.rejects(Checkpoint.open(folder.path), { code: "not-found", message: gone });
  });

  it("prefers the single file, as transformers does", async () => {
    await using folder = await temporaryFolder();
    await sharded(folder.path, GOOD_MAP);
    await cp(join(folder.path, "x2.safetensors"), join(folder.path, "model.safetensors"));
    await using checkpoint = await Checkpoint.open(folder.path);
    assert.deepEqual([...checkpoint.tensors.keys()], ["c"]);
  });

  it("closes all of its files, twice if asked", async () => {
    const checkpoint = await Checkpoint.open(join(models, "mini-causal"));
    await checkpoint.close();
    await checkpoint.close();
    for (const name of checkpoint.tensors.keys()) await assert.rejects(checkpoint.read(name), { code: "disposed" });
  });
});

describe("an index of shards", () => {
  const HOSTILE: readonly [string, unknown, RegExp][] = [
    ["leads out of the folder", { ...GOOD_MAP, c: "../x2.safetensors" }, /tensor 'c' is '\.\.\/x2/],
    ["names an absolute path", { ...GOOD_MAP, c: "/tmp/x2.safetensors" }, /expected the name of a \.safetensors file/],
    ["uses a backslash", { ...GOOD_MAP, c: "..\\x2.safetensors" }, /the same folder/],
    ["names a drive", { ...GOOD_MAP, c: "c:x2.safetensors" }, /the same folder/],
    ["hides a NUL in a name", { ...GOOD_MAP, c: "x2.safetensors\0.safetensors" }, /'x2\.safetensors\\u\{0\}/],
    ["names another kind of file", { ...GOOD_MAP, c: "config.json" }, /is 'config\.json', expected/],
    ["has a number for a file", { ...GOOD_MAP, c: 2 }, /tensor 'c' is not a string/],
    ["has no tensors", {}, /expected an object 'weight_map'/],
    ["is a list", ["x1.safetensors"], /expected an object 'weight_map'/],
    [
      "puts a tensor into the wrong shard",
      { ...GOOD_MAP, b: "x2.safetensors" },
      /x1\.safetensors holds tensor 'b', but .* says it is in 'x2/,
    ],
    ["forgets a tensor", { a: "x1.safetensors", c: "x2.safetensors" }, /holds tensor 'b', but .* does not name it/],
    ["invents a tensor", { ...GOOD_MAP, d: "x2.safetensors" }, /names 1 tensors that its files do not hold: 'd'/],
  ];
  for (const [what, weightMap, message] of HOSTILE) {
    it(`is refused if it ${what}`, async () => {
      await using folder = await temporaryFolder();
      await sharded(folder.path, weightMap);
      const before = readdirSync("/dev/fd").length;
      await assert.rejects(Checkpoint.open(folder.path), { code: "invalid-checkpoint", message });
      assert.equal(readdirSync("/dev/fd").length, before, "a shard stayed open");
    });
  }

  it("is refused if it names a tensor twice, which JSON.parse would hide", async () => {
    await using folder = await temporaryFolder();
    await sharded(folder.path, GOOD_MAP);
    const index =
      '{"weight_map": {"a": "x1.safetensors", "b": "x1.safetensors", "c": "x1.safetensors", "c": "x2.safetensors"}}';
    await writeFile(join(folder.path, "model.safetensors.index.json"), index);
    await assert.rejects(Checkpoint.open(folder.path), { message: /index\.json: key "c" occurs twice/ });
  });

  it("is refused if two shards hold the same tensor", async () => {
    await using folder = await temporaryFolder();
    await sharded(folder.path, GOOD_MAP);
    await cp(join(folder.path, "x1.safetensors"), join(folder.path, "x2.safetensors"));
    await assert.rejects(Checkpoint.open(folder.path), {
      message: /x2\.safetensors holds tensor 'a', but .* says it is in 'x1/,
    });
  });

  it("lists the shards that are missing", async () => {
    await using folder = await temporaryFolder();
    await sharded(folder.path, GOOD_MAP);
    await rm(join(folder.path, "x2.safetensors"));
    const message =
      /1 of the 2 files that model\.safetensors\.index\.json names are missing: 'x2\.safetensors'; finish/;
    await assert.rejects(Checkpoint.open(folder.path), { code: "not-found", message });
  });

  it("takes names such as __proto__", async () => {
    await using folder = await temporaryFolder();
    await sharded(folder.path, GOOD_MAP);
    const tensor = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
    await packTo(join(folder.path, "x2.safetensors"), `{"__proto__":${tensor}}`, new Uint8Array([7]));
    const index = '{"weight_map":{"a":"x1.safetensors","b":"x1.safetensors","__proto__":"x2.safetensors"}}';
    await writeFile(join(folder.path, "model.safetensors.index.json"), index);
    await using checkpoint = await Checkpoint.open(folder.path);
    assert.deepEqual([...(await checkpoint.read("__proto__"))], [7]);
  });
});
