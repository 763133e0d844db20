import { existsSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import { quote } from "./quote.ts";
import { readTextFile } from "./read-text-file.ts";

/** The files of a checkpoint or an adapter besides its weights. */
export class ModelFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Where a file of the folder is, such as `tokenizer.json`.
   *
   * @param path relative to the folder
   * @returns `undefined` where there is none
   * @throws Qwen3Error `invalid-checkpoint` for a path that leaves the folder, since paths come from other files
   */
  file(path: string): string | undefined {
    const full = this.#inside(path);
    return existsSync(full) ? full : undefined;
  }

  /**
   * A JSON file of the folder, such as `1_Pooling/config.json`, parsed and otherwise unchecked.
   *
   * @returns `undefined` where there is none
   * @throws Qwen3Error `invalid-checkpoint` where it is not JSON; as {@link file}
   */
  async json(path: string): Promise<unknown> {
    const full = this.file(path);
    if (full === undefined) return undefined;
    const text = await readTextFile(full);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Qwen3Error("invalid-checkpoint", `${full} is not JSON: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Not by real paths: files of the hub cache are links to elsewhere. */
  #inside(path: string): string {
    const normal = normalize(path);
    if (!isAbsolute(normal) && !/^\.\.(?:[/\\]|$)/.test(normal) && !normal.includes("\0"))
      return join(this.path, normal);
    throw new Qwen3Error(
      "invalid-checkpoint",
      `${this.path}: the path ${quote(path)} leads out of the checkpoint's folder`,
    );
  }
}
