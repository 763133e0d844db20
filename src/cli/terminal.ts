import { stripVTControlCharacters } from "node:util";
import type { Context } from "./context.ts";

/** Text from a file, made safe to print: no escape sequences or other controls that would steer the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu, "\ufffd");
}

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** Bold and dim where they can be seen: on a terminal, and not against https://no-color.org. */
export function styleFor({ stdout, env }: Context): Style {
  const plain = !stdout.isTTY || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  const wrap = (code: number) => (text: string) => (plain ? text : `\u001b[${code}m${text}\u001b[22m`);
  return { bold: wrap(1), dim: wrap(2) };
}

/** Columns of text, aligned, two spaces apart; numbers to the right. */
export function table(rows: readonly (readonly string[])[], align: readonly ("left" | "right")[] = []): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (align[i] === "right" ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

export function formatSeconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
