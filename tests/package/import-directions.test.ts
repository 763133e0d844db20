import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { importsOf, packageJson, REPOSITORY, sourceFiles } from "./repository.ts";

/** What each folder of src may import, itself included, as docs/architecture.md draws it. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  core: [],
  tokenizer: ["core"],
  weights: ["core"],
  kernels: ["core"],
  model: ["core", "tokenizer", "weights", "kernels"],
  "index.ts": ["core", "tokenizer", "weights", "kernels", "model"],
  server: ["core", "tokenizer", "weights", "kernels", "model", "index.ts"],
  cli: ["core", "tokenizer", "weights", "kernels", "model", "index.ts", "server"],
};

const files = sourceFiles().map((file) => ({
  file,
  imports: importsOf(readFileSync(`${REPOSITORY}src/${file}`, "utf8")),
}));

function folderOf(file: string): string {
  return file.split("/")[0] ?? "";
}

describe("imports", () => {
  it("are all found by the reader that the other tests trust", () => {
    const source = `import a from "1";\nimport {\n  b,\n} from "2";\nimport type { C } from "3";\nexport * from "4";
import "5";\n// import no from "no";\n/* import no from "no"; */\nconst d = await import("6");\nexport type { E } from "7";`;
    assert.deepEqual(
      importsOf(source).map(({ specifier, typeOnly }) => (typeOnly ? `${specifier} type` : specifier)),
      ["1", "2", "3 type", "4", "5", "7 type", "6"],
    );
    const counted = files.reduce((sum, { imports }) => sum + imports.length, 0);
    assert.ok(counted > files.length, `${counted} imports in ${files.length} files`);
  });

  it("go down only", () => {
    const wrong: string[] = [];
    for (const { file, imports } of files) {
      const from = folderOf(file);
      const allowed = BELOW[from];
      assert.ok(allowed, `src/${from} is not in the table above`);
      for (const { specifier } of imports.filter((each) => each.specifier.startsWith("."))) {
        const to = folderOf(posix.join(posix.dirname(file), specifier));
        if (to !== from && !allowed.includes(to)) wrong.push(`src/${file} imports ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("never leave src, and name files that exist", () => {
    const known = new Set(files.map(({ file }) => file));
    for (const { file, imports } of files) {
      for (const { specifier } of imports.filter((each) => each.specifier.startsWith("."))) {
        assert.ok(known.has(posix.join(posix.dirname(file), specifier)), `src/${file} imports ${specifier}`);
      }
    }
  });

  it("of packages: the library runs with its dependencies alone, the command says what it misses", () => {
    const { dependencies, optionalDependencies, peerDependencies, devDependencies } = packageJson();
    for (const { file, imports } of files) {
      for (const { specifier, typeOnly, dynamic } of imports) {
        if (specifier.startsWith(".") || specifier.startsWith("node:") || specifier.startsWith("#")) continue;
        const name = specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/");
        const isOptional = name in optionalDependencies;
        const mayBeMissing = dynamic || ["cli", "server"].includes(folderOf(file));
        const allowed =
          name in dependencies ||
          (isOptional && mayBeMissing) ||
          (dynamic && name in peerDependencies) ||
          (typeOnly && (isOptional || name in devDependencies));
        assert.ok(allowed, `src/${file} imports ${specifier}`);
      }
    }
  });
});

describe("the core of the library", () => {
  it("touches neither argv nor the standard streams; those belong to the outermost files", () => {
    const touching = files
      .filter(({ file }) => folderOf(file) !== "cli" && folderOf(file) !== "server")
      .filter(({ file }) =>
        /\bprocess\.(?:argv|stdin|stdout|stderr|exit)\b/.test(readFileSync(`${REPOSITORY}src/${file}`, "utf8")),
      );
    assert.deepEqual(
      touching.map(({ file }) => file),
      [],
    );
  });
});
