import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCommand } from "./run-command.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const FILES = {
  "animals/cat.md": "# Animals\n\n## Cats\n\nA cat purrs when it is content.\n",
  "animals/copy.md": "# Animals\n\n## Cats\n\nA cat purrs when it is content.\n",
  "space.txt": "The moon circles the earth.\n\nRockets burn fuel.\n",
  "code.ts": "export function addNumbers(a: number, b: number): number {\n  return a + b;\n}\n",
  "ignored/secret.md": "The cat is secret.\n",
  ".gitignore": "ignored/\n",
  "picture.png": new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]),
};

interface Answer {
  readonly files: number;
  readonly passages: number;
  readonly embedded: number;
  readonly results: readonly {
    readonly path: string;
    readonly line: number;
    readonly score: number;
    readonly vector?: { readonly score: number };
    readonly keyword?: { readonly score: number };
    readonly alsoAt: readonly string[];
  }[];
}

async function search(folder: TemporaryFolder, args: readonly string[]): Promise<Answer & { readonly stderr: string }> {
  const index = folder.file(".index");
  const { code, stdout, stderr } = await runCommand(["search", "--json", "--index", index, ...args], {
    cwd: folder.path,
  });
  assert.equal(code, 0, stderr);
  return { ...(JSON.parse(stdout.toString()) as Answer), stderr };
}

describe("qwen3 search", () => {
  it("finds by meaning and by words, and embeds only what changed", async () => {
    using folder = new TemporaryFolder().write(FILES);
    const first = await search(folder, ["when is a cat happy?"]);
    assert.deepEqual([first.files, first.passages, first.embedded], [4, 4, 3], "copies are embedded once");
    assert.deepEqual([first.results[0]?.path, first.results[0]?.line], ["animals/cat.md", 5]);
    assert.deepEqual(first.results[0]?.alsoAt, ["animals/copy.md:5"]);

    const second = await search(folder, ["adding numbers"]);
    assert.equal(second.embedded, 0);
    assert.deepEqual([second.results[0]?.path, second.results[0]?.line], ["code.ts", 1]);
    assert.ok(second.results[0]?.vector !== undefined && second.results[0].keyword !== undefined);

    folder.write({ "space.txt": "The sun shines.\n" });
    assert.equal((await search(folder, ["light"])).embedded, 1);
    assert.equal((await search(folder, ["light", "animals"])).embedded, 0, "a part of the folder has the same index");

    const [name = ""] = readdirSync(folder.file(".index"));
    const file = join(folder.file(".index"), name);
    writeFileSync(file, readFileSync(file).subarray(0, 100));
    const mended = await search(folder, ["light"]);
    assert.equal(mended.embedded, 3);
    assert.match(mended.stderr, /the index is made anew: .*\.vectors: \d+ bytes, expected/);
    assert.equal((await search(folder, ["light"])).embedded, 0);
  });

  it("searches by words alone without a model", async () => {
    using folder = new TemporaryFolder().write(FILES);
    const { results, embedded, stderr } = await search(folder, ["--keyword", "rocket"]);
    assert.deepEqual(
      results.map(({ path, line }) => `${path}:${line}`),
      ["space.txt:3"],
    );
    assert.equal(embedded, 0);
    assert.doesNotMatch(stderr, /demonstration model/);
    assert.deepEqual((await search(folder, ["--keyword", "zebra"])).results, []);
  });

  it("searches by vectors alone, with cosines as scores", async () => {
    using folder = new TemporaryFolder().write({ "a.txt": "The moon circles the earth.\n" });
    const [result] = (await search(folder, ["--vector", "moon"])).results;
    assert.equal(result?.score, result?.vector?.score);
    assert.equal(result?.keyword, undefined);
  });

  it("prints path:line, score, headings and the snippet", async () => {
    using folder = new TemporaryFolder().write(FILES);
    const { stdout, stderr } = await runCommand(["search", "--keyword", "purr", "animals"], { cwd: folder.path });
    assert.match(
      stdout.toString(),
      /^animals\/cat\.md:5 {2}\d+\.\d\d {2}Animals › Cats\n {4}A cat purrs when it is content\.\n {4}also at animals\/copy\.md:5\n$/,
    );
    assert.match(stderr, /^2 passages of 2 files, 0 newly embedded/);
  });

  it("does not let what it prints steer the terminal", async () => {
    using folder = new TemporaryFolder().write({ "a.txt": "purr \u001b]0;title\u0007\u001b[2J\u009b1m\n" });
    const { stdout } = await runCommand(["search", "--keyword", "purr"], { cwd: folder.path });
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(stdout.toString(), /[\u001b\u0007\u009b]/);
  });

  it("says that there is nothing to search", async () => {
    using folder = new TemporaryFolder().write({ "picture.png": FILES["picture.png"] });
    const { code, stderr } = await runCommand(["search", "cat", folder.path, "--verbose"]);
    assert.equal(code, 1);
    assert.match(stderr, /passed over .*picture\.png: binary/);
    assert.match(stderr, /no text found in/);
  });
});
