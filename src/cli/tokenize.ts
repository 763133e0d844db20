import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Tokenizer } from "../tokenizer/index.ts";
import type { Context } from "./context.ts";
import { addCommonOptions } from "./options.ts";
import { resolveFolder } from "./resolve-folder.ts";
import { formatCount, printable, styleFor, table } from "./terminal.ts";
import { addTextInput, readTexts, type TextFlags } from "./texts.ts";

interface TokenizeFlags extends TextFlags {
  readonly model?: string;
  readonly revision?: string;
  readonly specialTokens: boolean;
}

/** One token of a text, with the part of the text that it stands for. */
interface Token {
  readonly id: number;
  readonly token: string;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export function defineTokenize(command: Command, context: Context): void {
  addTextInput(command)
    .option("-m, --model <model>", "checkpoint folder, hub id or tokenizer.json (default: the bundled model)")
    .option("--revision <revision>", "branch, tag or commit of a hub id (default: its main branch)")
    .option("--no-special-tokens", "leave out what the model puts around every text")
    .action((texts: string[], flags: TokenizeFlags) => tokenize(texts, flags, context));
  addCommonOptions(command);
}

async function tokenize(args: readonly string[], flags: TokenizeFlags, context: Context): Promise<void> {
  const texts = await readTexts(args, flags, context);
  const tokenizer = await Tokenizer.fromFile(await tokenizerFile(flags, context));
  const tokens = texts.map((text) => tokensOf(tokenizer, text, flags.specialTokens));
  if (flags.json === true) {
    context.stdout.write(`${JSON.stringify(tokens.map((list, i) => ({ text: texts[i], tokens: list })))}\n`);
    return;
  }
  const { bold } = styleFor(context);
  for (const list of tokens) {
    const rows = list.map(({ id, token, start, end, text }) => [
      String(id),
      printable(token),
      `${start}–${end}`,
      quote(text),
    ]);
    context.stdout.write(`${table(rows, ["right", "left", "right"])}${bold(`${formatCount(list.length)} tokens`)}\n`);
  }
}

async function tokenizerFile(flags: TokenizeFlags, context: Context): Promise<string> {
  const { model } = flags;
  if (model?.endsWith(".json") === true && existsSync(model)) return model;
  return join(await resolveFolder(model, flags, context), "tokenizer.json");
}

function tokensOf(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean): Token[] {
  const { ids, offsets = new Uint32Array() } = tokenizer.encode(text, { addSpecialTokens, offsets: true });
  return Array.from(ids, (id, i) => {
    const start = offsets[2 * i] ?? 0;
    const end = offsets[2 * i + 1] ?? 0;
    return { id, token: tokenizer.idToToken(id) ?? "", text: text.slice(start, end), start, end };
  });
}

function quote(text: string): string {
  return text === "" ? "" : printable(JSON.stringify(text));
}
