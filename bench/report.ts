import { writeFileSync } from "node:fs";
import type { Machine } from "./machine.ts";
import { thisMachine } from "./machine.ts";

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** One bench's outcome, as printed and as written with `--json`. */
export interface Report {
  readonly bench: string;
  /** What was asked for, to run it again. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Versions, devices and the like of what was measured. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly tables: readonly Table[];
}

/** Prints a report as Markdown, ready for docs/benchmarks.md, and writes it as JSON if a file is named. */
export function publish(report: Report, jsonFile?: string): void {
  const machine = thisMachine();
  console.log(`${describe(machine)}\n`);
  for (const [name, about] of Object.entries(report.about)) console.log(`- ${name}: ${JSON.stringify(about)}`);
  for (const { title, rows } of report.tables) console.log(`\n${title}\n\n${markdownTable(rows)}`);
  if (jsonFile === undefined) return;
  writeFileSync(jsonFile, `${JSON.stringify({ machine, date: new Date().toISOString(), ...report }, null, 1)}\n`);
}

function describe(machine: Machine): string {
  const { cpu, cores, memoryGiB, node, platform, commit } = machine;
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}, Node ${node}, commit ${commit}`;
}

/** Columns are the keys of the first row; numbers are right-aligned. */
export function markdownTable(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return "(nothing measured)";
  const columns = Object.keys(first);
  const cells = rows.map((row) => columns.map((column) => format(row[column] ?? null)));
  const widths = columns.map((column, i) => Math.max(column.length, 3, ...cells.map((row) => row[i]?.length ?? 0)));
  const isNumber = columns.map((column) => rows.every((row) => typeof (row[column] ?? 0) === "number"));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, i) => (isNumber[i] ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, i) => (isNumber[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(columns), line(rule), ...cells.map(line)].join("\n");
}

/** Three significant digits, or whole numbers from 100 on; tiny ones with an exponent. */
function format(cell: Cell): string {
  if (cell === null) return "–";
  if (typeof cell !== "number") return String(cell);
  if (Number.isInteger(cell)) return cell.toLocaleString("en");
  if (!Number.isFinite(cell)) return String(cell);
  if (cell !== 0 && Math.abs(cell) < 1e-3) return cell.toExponential(1);
  return Math.abs(cell) >= 100 ? Math.round(cell).toLocaleString("en") : String(Number(cell.toPrecision(3)));
}
