import type { ParseArgsConfig } from "node:util";
import { parseArgs } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

interface Parsing<T> {
  readonly args: string[];
  readonly options: T;
}

/** A bench's options by name; undefined where `--help` asked for its help, which is printed then. */
export function readOptions<const T extends Options>(
  args: readonly string[],
  help: string,
  options: T,
): ReturnType<typeof parseArgs<Parsing<T>>>["values"] | undefined {
  if (!args.includes("--help")) return parseArgs({ args: [...args], options }).values;
  console.log(help);
  return undefined;
}

/** The value of an option that has no default. */
export function given(value: string | undefined, option: string): string {
  if (value === undefined) throw new Error(`${option} is missing; --help lists the options`);
  return value;
}

/** The parts of a comma-separated list. */
export function list(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

/** The number that the value of an option is. */
export function numberOf(value: string, option: string): number {
  const number = Number(value);
  if (value.trim() !== "" && number >= 0) return number;
  throw new Error(`${option} ${value}: expected a number, 0 or more`);
}

export function numbersOf(value: string, option: string): number[] {
  return list(value).map((part) => numberOf(part, option));
}
