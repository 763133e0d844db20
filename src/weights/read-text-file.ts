import { readFile, stat } from "node:fs/promises";
import { Qwen3Error } from "../core/errors.ts";
import { fileError } from "./positioned-file.ts";

/** Far above any config or index (the largest index known has 12 MB); a text costs several times its size to parse. */
const MAX_TEXT_BYTES = 2 ** 26;

/** @throws Qwen3Error `not-found`, or `invalid-checkpoint` where it is not a file, too large or not UTF-8 */
export async function readTextFile(path: string): Promise<string> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new Qwen3Error("invalid-checkpoint", `${path} is not a file`);
    if (stats.size > MAX_TEXT_BYTES) {
      const message = `${path} has ${stats.size} bytes, expected at most ${MAX_TEXT_BYTES} of JSON`;
      throw new Qwen3Error("invalid-checkpoint", message);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError)
      throw new Qwen3Error("invalid-checkpoint", `${path} is not UTF-8`, { cause: error });
    throw fileError(path, error);
  }
}
