import { Qwen3Error } from "../core/errors.ts";

/** An option or argument that cannot be used: its name, what it is, what it may be. */
export function wrongArgument(name: string, got: unknown, expected: string): Qwen3Error {
  return new Qwen3Error("invalid-argument", `${name} is ${shown(got)}; expected ${expected}`);
}

/** @throws Qwen3Error `invalid-argument` unless `value` is a whole number from 1 to `most` */
export function checkInteger(name: string, value: unknown, most: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? "of at least 1" : `from 1 to ${most}`;
  throw wrongArgument(name, value, `a whole number ${range}`);
}

/** @throws Qwen3Error `invalid-argument` unless `value` is a string */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== "string")
    throw new Qwen3Error("invalid-argument", `${name} is ${kindOf(value)}; expected a string`);
}

/** @throws Qwen3Error `invalid-argument` unless `value` is an array */
export function checkList(name: string, value: unknown, expected: string): void {
  if (!Array.isArray(value))
    throw new Qwen3Error("invalid-argument", `${name} is ${kindOf(value)}; expected ${expected}`);
}

function shown(value: unknown): string {
  if (typeof value === "number") return String(value); // JSON has no NaN
  return typeof value === "object" ? kindOf(value) : (JSON.stringify(value) ?? kindOf(value));
}

/** "a number", "an object", "null". */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
