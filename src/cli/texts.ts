import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { Qwen3Error } from "../core/errors.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { Notes } from "./notes.ts";
import type { CommonOptions } from "./options.ts";

export interface TextFlags extends CommonOptions {
  /** A file of texts, or `-` for standard input. */
  readonly input?: string;
}

export function addTextInput(command: Command): Command {
  return command
    .argument("[text...]", "texts; - reads one from standard input")
    .option("-i, --input <file>", "more texts: .json (array), .jsonl, else one per line; - for standard input");
}

/**
 * The texts of a command: its arguments, where `-` stands for all of standard input as one text, then those of
 * `--input`: a JSON array (`.json`), JSON lines (`.jsonl`: strings, or objects with `text`), else one text per line.
 */
export async function readTexts(args: readonly string[], flags: TextFlags, context: Context): Promise<string[]> {
  const { input } = flags;
  if (args.length === 0 && input === undefined) {
    throw new UsageError("no text given; write it as an argument, or use - or --input FILE to read it from elsewhere");
  }
  if (args.filter((arg) => arg === "-").length + (input === "-" ? 1 : 0) > 1) {
    throw new UsageError("standard input can be read only once, but - is given more than once");
  }
  const texts: string[] = [];
  for (const arg of args) texts.push(arg === "-" ? (await readStdin(context, flags)).trimEnd() : arg);
  if (input !== undefined) texts.push(...parseTexts(input, await readInput(input, flags, context)));
  return texts;
}

async function readStdin({ stdin, signal, stderr }: Context, flags: CommonOptions): Promise<string> {
  new Notes({ stderr }, flags).detail("reading standard input");
  const chunks: Uint8Array[] = [];
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  const read = async (): Promise<void> => {
    for await (const chunk of stdin) chunks.push(chunk);
  };
  await Promise.race([read(), aborted]);
  return new TextDecoder().decode(Buffer.concat(chunks));
}

async function readInput(input: string, flags: CommonOptions, context: Context): Promise<string> {
  if (input === "-") return await readStdin(context, flags);
  return new TextDecoder().decode(await readFile(input));
}

function parseTexts(name: string, content: string): string[] {
  if (name.endsWith(".json")) return parseArray(name, content);
  const lines = content.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (!name.endsWith(".jsonl")) return lines;
  return lines.map((line, i) => textOf(parseJson(`${name}:${i + 1}`, line), `${name}:${i + 1}`));
}

function parseArray(name: string, content: string): string[] {
  const list = parseJson(name, content);
  if (!Array.isArray(list)) throw new Qwen3Error("invalid-argument", `${name}: expected a JSON array of texts`);
  return list.map((item, i) => textOf(item, `${name}, item ${i}`));
}

function parseJson(place: string, content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Qwen3Error("invalid-argument", `${place}: not JSON: ${reason}`, { cause });
  }
}

function textOf(item: unknown, place: string): string {
  if (typeof item === "string") return item;
  if (typeof item === "object" && item !== null && "text" in item && typeof item.text === "string") return item.text;
  throw new Qwen3Error("invalid-argument", `${place}: expected a string, or an object whose "text" is one`);
}
