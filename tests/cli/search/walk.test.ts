import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { relative } from "node:path";
import { describe, it } from "node:test";
import { walk } from "../../../src/cli/search/walk.ts";
import { TemporaryFolder } from "../temporary-folder.ts";

async function found(folder: TemporaryFolder, paths = ["."], hidden = false): Promise<string[]> {
  const onSkip = (): void => undefined;
  const files = await walk(
    paths.map((path) => folder.file(path)),
    { hidden, onSkip, signal: new AbortController().signal },
  );
  return files.map(({ file }) => relative(folder.path, file).replaceAll("\\", "/"));
}

describe("walk", () => {
  it("follows .gitignore files as Git does, nested and negated", async () => {
    using folder = new TemporaryFolder().write({
      ".git/HEAD": "x",
      ".git/info/exclude": "private.md\n",
      ".gitignore": "*.log\n!keep.log\n/build\ndocs/*.tmp\n# a comment\n\\#literal\nout/\n**/cache/**\n!cache/\n",
      "a.log": "x",
      "keep.log": "x",
      "private.md": "x",
      "#literal": "x",
      "build/a.md": "x",
      "src/build/a.md": "x",
      "docs/a.tmp": "x",
      "docs/deep/b.tmp": "x",
      "out/a.md": "x",
      "src/out": "a file, and the rule is for folders",
      "src/cache/a.md": "x",
      "sub/.gitignore": "!a.log\nlocal/*\n!local/yes.md\n",
      "sub/a.log": "x",
      "sub/b.log": "x",
      "sub/local/no.md": "x",
      "sub/local/yes.md": "x",
      "local/no.md": "x",
    });
    // As `git ls-files --others --exclude-standard` lists them, less the hidden files.
    const expected = [
      "docs/deep/b.tmp",
      "keep.log",
      "local/no.md",
      "src/build/a.md",
      "src/out",
      "sub/a.log",
      "sub/local/yes.md",
    ];
    assert.deepEqual((await found(folder)).toSorted(), expected);
    assert.deepEqual(await found(folder, ["sub"]), ["sub/a.log", "sub/local/yes.md"], "rules above the folder count");
  });

  it("searches what is named although it is ignored or hidden", async () => {
    using folder = new TemporaryFolder().write({
      ".git/HEAD": "x",
      ".gitignore": "dist/\n",
      "dist/a.js": "x",
      "dist/.gitignore": "b.js",
      "dist/b.js": "x",
      ".env/a.md": "x",
    });
    assert.deepEqual(await found(folder, ["dist"]), ["dist/a.js"]);
    assert.deepEqual(await found(folder, ["dist/b.js"]), ["dist/b.js"]);
    assert.deepEqual(await found(folder, [".env"]), [".env/a.md"]);
    assert.deepEqual(await found(folder), []);
    assert.deepEqual(await found(folder, ["."], true), [".env/a.md", ".gitignore"]);
  });

  it("passes over dependencies, lock files, links, empty files and large data", async () => {
    using folder = new TemporaryFolder().write({
      "node_modules/a/index.js": "x",
      "package-lock.json": "{}",
      "empty.md": "",
      "small.json": "{}",
      "large.json": "x".repeat(100_000),
      "large.txt": "x".repeat(100_000),
    });
    symlinkSync(folder.path, folder.file("loop"));
    assert.deepEqual(await found(folder), ["large.txt", "small.json"]);
  });

  it("gives a file once although it is named twice", async () => {
    using folder = new TemporaryFolder().write({ "a/b.md": "x" });
    assert.deepEqual(await found(folder, [".", "a", "a/b.md"]), ["a/b.md"]);
  });

  it("names a path that does not exist", async () => {
    using folder = new TemporaryFolder();
    await assert.rejects(found(folder, ["nowhere"]), { code: "not-found", message: /nowhere' does not exist/ });
  });
});
