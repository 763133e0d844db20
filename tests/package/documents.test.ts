import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { packageJson, REPOSITORY } from "./repository.ts";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(`${REPOSITORY}docs`)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), "utf8");
}

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = Array.from(markdown.matchAll(/^#{1,6} (.+)$/gm), ([, title = ""]) => title.toLowerCase());
  return new Set(headings.map((title) => title.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));
}

describe("the documents", () => {
  it("link to files and headings that exist", () => {
    const broken: string[] = [];
    for (const document of documents) {
      for (const [, target = ""] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? document : join(dirname(document), path);
        const exists = existsSync(join(REPOSITORY, file));
        const known = anchor === undefined || (exists && anchorsOf(read(file)).has(anchor));
        if (!exists || !known) broken.push(`${document}: ${target}`);
      }
    }
    assert.deepEqual(broken, []);
  });

  it("give every dependency its reason", () => {
    const { dependencies, optionalDependencies, devDependencies } = packageJson();
    const listed = read("docs/dependencies.md");
    const isListed = (name: string): boolean =>
      listed.includes(`\`${name}\``) || listed.includes(`\`${name.split("/")[0] ?? ""}/*\``);
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
    assert.deepEqual(
      names.filter((name) => !isListed(name)),
      [],
    );
  });

  it("list every command", () => {
    const readme = read("README.md");
    const missing = COMMANDS.filter(({ name }) => name !== "demo" && !readme.includes(`qwen3 ${name}`));
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });

  it("name source files that exist", () => {
    const wrong: string[] = [];
    for (const document of documents) {
      for (const [, path = ""] of read(document).matchAll(/`((?:src|tests|bench|scripts|docs)\/[\w./-]+)`/g)) {
        if (!existsSync(join(REPOSITORY, path))) wrong.push(`${document}: ${path}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});
