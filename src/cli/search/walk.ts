import type { Dirent } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { extname, join, relative, resolve, sep } from "node:path";
import { Qwen3Error } from "../../core/errors.ts";
import { IgnoreRules } from "./gitignore.ts";

/** Never entered: what they hold is not the user's writing. A path named on the command line is searched all the same. */
const SKIPPED_FOLDERS = new Set(["node_modules", "__pycache__", "venv"]);
/** Written by package managers; hashes and version numbers, thousands of lines. */
const LOCK_FILE = /^(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|.*\.lock|go\.sum)$/;
/** Data rather than text once they grow. */
const DATA = new Set([".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xml", ".svg", ".map", ".ipynb", ".yaml", ".yml"]);
/** The Bible has 4.3 MB; what is larger is a log, a dump or a bundle. */
const LARGEST_TEXT = 5 << 20;
const LARGEST_DATA = 64 << 10;

export interface FoundFile {
  readonly file: string;
  /** Relative to the current folder where it lies below it, with forward slashes. */
  readonly path: string;
}

export interface WalkOptions {
  /** Also files and folders whose name begins with a dot, except `.git`. */
  readonly hidden: boolean;
  /** Told of what is passed over although the user may expect it. */
  readonly onSkip: (path: string, reason: string) => void;
  readonly signal: AbortSignal;
}

/** Every file to search below the paths given, each once, in the order of names. */
export async function walk(paths: readonly string[], options: WalkOptions): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const path of paths) {
    const file = resolve(path);
    const kind = await stat(file).catch((cause: unknown) => {
      const reason =
        cause instanceof Error && "code" in cause && cause.code === "ENOENT" ? "does not exist" : "cannot be read";
      throw new Qwen3Error("not-found", `'${path}' ${reason}; name a file or a folder to search in`, { cause });
    });
    const files = kind.isDirectory() ? await walkFolder(file, await IgnoreRules.forFolder(file), options) : [file];
    for (const each of files) found.set(each, { file: each, path: displayPath(each) });
  }
  return Array.from(found.values());
}

async function walkFolder(folder: string, rules: IgnoreRules, options: WalkOptions): Promise<string[]> {
  options.signal.throwIfAborted();
  const files: string[] = [];
  for (const entry of await entriesOf(folder, options)) {
    const path = join(folder, entry.name);
    if (isSkippedByName(entry, options.hidden) || rules.ignores(path, entry.isDirectory())) continue;
    if (entry.isDirectory()) files.push(...(await walkFolder(path, await rules.enter(path), options)));
    else if (entry.isFile() && (await fits(path, options))) files.push(path);
  }
  return files;
}

async function entriesOf(folder: string, { onSkip }: WalkOptions): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(folder)) entries.push(entry);
  } catch (cause) {
    onSkip(displayPath(folder), cause instanceof Error ? cause.message : String(cause));
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Links are not followed: what they lead to is found where it is, or lies outside. */
function isSkippedByName(entry: Dirent, hidden: boolean): boolean {
  if (entry.name === ".git" || (entry.name.startsWith(".") && !hidden)) return true;
  return entry.isDirectory() ? SKIPPED_FOLDERS.has(entry.name) : LOCK_FILE.test(entry.name);
}

async function fits(file: string, { onSkip }: WalkOptions): Promise<boolean> {
  const { size } = await stat(file).catch(() => ({ size: 0 })); // gone since the folder was read
  const limit = DATA.has(extname(file).toLowerCase()) ? LARGEST_DATA : LARGEST_TEXT;
  if (size > limit) onSkip(displayPath(file), `${size} bytes; more than ${limit} are taken for data`);
  return size > 0 && size <= limit;
}

function displayPath(file: string): string {
  const path = relative(process.cwd(), file);
  const shown = path.startsWith("..") || path === "" ? file : path;
  return shown.split(sep).join("/");
}
