import { Qwen3Error } from "../core/errors.ts";
import { quote, quoteList } from "./quote.ts";
import type { TensorInfo } from "./safetensors-header.ts";

const MOST_LISTED = 8;

/**
 * Compares a checkpoint's tensors with what a model needs, before anything is loaded.
 *
 * @param expected shapes by name
 * @param options.unexpected `"refuse"` makes tensors beyond the expected ones an error too. @default "list"
 * @returns the names of tensors that were not expected
 * @throws Qwen3Error `invalid-checkpoint`: one error that lists missing, misshapen and refused tensors by name
 */
export function checkTensors(
  checkpoint: { readonly name: string; readonly tensors: ReadonlyMap<string, TensorInfo> },
  expected: ReadonlyMap<string, readonly number[]>,
  options: { readonly unexpected?: "list" | "refuse" } = {},
): readonly string[] {
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, shape] of expected) {
    const tensor = checkpoint.tensors.get(name);
    if (!tensor) missing.push(name);
    else if (!sameShape(tensor.shape, shape)) misshapen.push(mismatch(name, tensor.shape, shape));
  }
  const unexpected = [...checkpoint.tensors.keys()].filter((name) => !expected.has(name));
  const refused = options.unexpected === "refuse" ? unexpected : [];
  if (missing.length + misshapen.length + refused.length > 0) {
    const problems = [
      ...(missing.length > 0 ? [`${missing.length} missing: ${quoteList(missing, MOST_LISTED)}`] : []),
      ...(misshapen.length > 0 ? [`${misshapen.length} of another shape: ${cut(misshapen)}`] : []),
      // Names of what is there help to see why others are missing, such as another prefix.
      ...(refused.length + missing.length > 0 && unexpected.length > 0
        ? [`${unexpected.length} unexpected: ${quoteList(unexpected, MOST_LISTED)}`]
        : []),
    ];
    const message = `${checkpoint.name}: its tensors do not fit its config.json (is that from another checkpoint?): ${problems.join("; ")}`;
    throw new Qwen3Error("invalid-checkpoint", message);
  }
  return unexpected;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

function mismatch(name: string, got: readonly number[], expected: readonly number[]): string {
  return `${quote(name)} is [${got.slice(0, 9).join(", ")}], expected [${expected.join(", ")}]`;
}

function cut(items: readonly string[]): string {
  const shown = items.slice(0, MOST_LISTED).join(", ");
  return items.length > MOST_LISTED ? `${shown} and ${items.length - MOST_LISTED} more` : shown;
}
