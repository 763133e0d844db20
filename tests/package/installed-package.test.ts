import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { installPackage, packPackage } from "./install-package.ts";
import { packageJson, REPOSITORY } from "./repository.ts";

const CONSUMER = join(REPOSITORY, "tests", "package", "consumer", "consumer.ts");

describe("the packed package, installed into an empty folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "qwen3-package-"));
  const packed = packPackage(folder);
  installPackage(folder, packed);
  after(() => rmSync(folder, { recursive: true, force: true }));

  const command = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } => {
    const bin = join(folder, "node_modules", ".bin", "qwen3");
    return spawnSync(bin, args, { cwd: folder, encoding: "utf8", shell: process.platform === "win32" });
  };

  it("holds what is needed to run, and nothing else", () => {
    const allowed = [
      /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
      /^dist\/.+\.(?:js|d\.ts|wasm)$/,
      /^src\/kernels\/wgsl\/[\w-]+\.wgsl$/,
      /^src\/server\/ui\/page\.(?:html|css|js)$/,
      /^src\/weights\/bundled\/[\w-]+\/(?:README\.md|[\w.]+\.(?:json|jinja|safetensors)|1_Pooling\/config\.json)$/,
    ];
    const paths = packed.files.map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => !allowed.some((pattern) => pattern.test(path))),
      [],
    );
    for (const path of ["README.md", "LICENSE", "dist/index.js", "dist/index.d.ts", "dist/cli/main.js"]) {
      assert.ok(paths.includes(path), `${path} is missing`);
    }
    const bundled = "src/weights/bundled/qwen3-embedding-tiny";
    for (const file of ["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json", "README.md"]) {
      assert.ok(paths.includes(`${bundled}/${file}`), `${bundled}/${file} is missing`);
    }
    assert.ok(packed.unpackedSize < 25e6, `${packed.unpackedSize} bytes`);
  });

  it("compiles in a strict project that uses every public name, and runs", () => {
    cpSync(CONSUMER, join(folder, "consumer.ts"));
    const types = join(REPOSITORY, "node_modules", "@types");
    const compilerOptions = {
      target: "es2023",
      module: "nodenext",
      lib: ["es2023", "esnext.disposable"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmitOnError: true,
      typeRoots: [types],
      types: ["node"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
    const tsc = join(REPOSITORY, "node_modules", "typescript", "bin", "tsc");
    const compiled = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    assert.equal(compiled.stdout, "");
    const printed = execFileSync(process.execPath, ["consumer.js"], { cwd: folder, encoding: "utf8" });
    assert.equal(printed, "the consumer ran to its end\n");
  });

  it("has a consumer that forgets no public name", () => {
    const consumer = readFileSync(CONSUMER, "utf8");
    for (const [subpath, target] of Object.entries(packageJson().exports)) {
      if (typeof target === "string") continue;
      const names = exportedNames(readFileSync(join(REPOSITORY, target.types), "utf8"));
      assert.ok(names.length > 0, `${target.types} exports nothing`);
      const missing = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(consumer));
      assert.deepEqual(missing, [], `${subpath}: add them to tests/package/consumer/consumer.ts`);
    }
  });

  it("brings a command that works", () => {
    const { status, stdout, stderr } = command("similarity", "a cat", "a kitten", "--json", "--quiet");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal((JSON.parse(stdout) as number[][]).length, 2);
  });

  it("says which package a command misses, where optional ones were left out", () => {
    writeFileSync(join(folder, "text.md"), "A cat purrs.\n");
    const remove = (name: string): void => rmSync(join(folder, "node_modules", name), { recursive: true });
    remove("cli-progress");
    remove("minisearch");
    const search = command("search", "cat", "text.md", "--no-index");
    assert.equal(search.status, 1);
    assert.match(
      search.stderr,
      /needs the package 'minisearch', which is not installed; run: npm install minisearch\n$/,
    );
    assert.equal(command("search", "cat", "text.md", "--vector", "--no-index", "--quiet").status, 0);
    remove("ignore");
    assert.match(command("search", "cat", "text.md").stderr, /npm install ignore\n$/);
    remove("commander");
    assert.match(command("embed", "a").stderr, /npm install commander\n$/);
    const library =
      'import("qwen3-ts").then(({ EmbeddingModel }) => EmbeddingModel.load()).then((model) => model.dispose())';
    execFileSync(process.execPath, ["-e", library], { cwd: folder });
  });
});

/** The names in `export { … }` and `export type { … }` lists, which is all that our index files hold. */
function exportedNames(declarations: string): string[] {
  const lists = Array.from(declarations.matchAll(/export (?:type )?\{([^}]*)\}/g), ([, list = ""]) => list);
  return lists
    .flatMap((list) => list.split(","))
    .map((item) =>
      item
        .trim()
        .replace(/^type /, "")
        .replace(/^\w+ as /, ""),
    )
    .filter(Boolean);
}
