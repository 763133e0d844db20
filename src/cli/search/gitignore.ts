import { readFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import { repositoryRoot } from "./repository-root.ts";

/**
 * The `.gitignore` files that apply in one folder: its own and those above it up to the repository's root. As in Git,
 * the file nearest to a path decides first, and what lies in an ignored folder stays ignored.
 */
export class IgnoreRules {
  readonly #folder: string;
  readonly #rules: Ignore | undefined;
  readonly #above: IgnoreRules | undefined;

  private constructor(folder: string, rules: Ignore | undefined, above: IgnoreRules | undefined) {
    this.#folder = folder;
    this.#rules = rules;
    this.#above = above;
  }

  /** Reads what applies in `folder`, from the root of the repository that it lies in. */
  static async forFolder(folder: string): Promise<IgnoreRules> {
    const path = resolve(folder);
    const root = repositoryRoot(path) ?? path;
    const exclude = await readRules(join(root, ".git", "info", "exclude"));
    let rules = await new IgnoreRules(root, exclude, undefined).enter(root);
    let at = root;
    for (const name of relative(root, path).split(sep).filter(Boolean)) {
      at = join(at, name);
      // A folder that was named although it is ignored is meant to be searched: only its own rules count.
      if (rules.ignores(at, true)) rules = new IgnoreRules(at, undefined, undefined);
      rules = await rules.enter(at);
    }
    return rules;
  }

  /** The rules in a folder directly below, with its own `.gitignore` added. */
  async enter(folder: string): Promise<IgnoreRules> {
    const rules = await readRules(join(folder, ".gitignore"));
    return rules === undefined ? this : new IgnoreRules(folder, rules, this);
  }

  ignores(path: string, isFolder: boolean): boolean {
    const name = relative(this.#folder, path).split(sep).join("/");
    const verdict = this.#rules?.test(isFolder ? `${name}/` : name);
    if (verdict?.ignored === true) return true;
    if (verdict?.unignored === true) return false;
    return this.#above?.ignores(path, isFolder) ?? false;
  }
}

async function readRules(file: string): Promise<Ignore | undefined> {
  try {
    return ignore().add(await readFile(file, "utf8"));
  } catch {
    return undefined; // none there, or not readable: Git goes on without it too
  }
}
