import { Qwen3Error } from "../core/errors.ts";
import { quote } from "./quote.ts";
import { parseStrictJson } from "./strict-json.ts";

/**
 * Reads a `model.safetensors.index.json`: which file holds which tensor.
 *
 * @param path named in errors
 * @returns file names by tensor name; every one a plain name beside the index
 * @throws Qwen3Error `invalid-checkpoint`
 */
export function parseWeightIndex(text: string, path: string): ReadonlyMap<string, string> {
  const index = parse(text, path);
  const weightMap = index instanceof Map ? index.get("weight_map") : undefined;
  if (!(weightMap instanceof Map) || weightMap.size === 0) {
    throw invalid(path, "expected an object 'weight_map' that names the file of each tensor");
  }
  const files = new Map<string, string>();
  for (const [tensor, file] of weightMap) {
    if (typeof file !== "string" || !isPlainName(file)) {
      const got = typeof file === "string" ? quote(file) : "not a string";
      throw invalid(
        path,
        `the file of tensor ${quote(tensor)} is ${got}, expected the name of a .safetensors file in the same folder`,
      );
    }
    files.set(tensor, file);
  }
  return files;
}

function parse(text: string, path: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    throw invalid(path, error instanceof SyntaxError ? error.message : String(error));
  }
}

/** An index may come from anyone; it must not reach files outside its folder. */
function isPlainName(file: string): boolean {
  return /^[^/\\:\0]+\.safetensors$/.test(file) && !file.startsWith(".");
}

function invalid(path: string, message: string): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", `${path}: ${message}`);
}
