import { writeFileSync } from "node:fs";
import type { Machine } from "./machine.ts";
import { thisMachine } from "./machine.ts";

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

export interface ReportOptions {
  readonly bench: string;
  /** What was asked for, to run it again. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Versions, devices and the like of what is measured. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Where to write it as JSON too. */
  readonly jsonFile?: string | undefined;
}

/** One bench's outcome: Markdown on stdout, ready for docs/benchmarks.md, table by table as they come. */
export class Report {
  readonly #options: ReportOptions;
  readonly #machine: Machine = thisMachine();
  readonly #tables: Table[] = [];

  constructor(options: ReportOptions) {
    this.#options = options;
    console.log(`${describe(this.#machine)}\n`);
    for (const [name, about] of Object.entries(options.about)) console.log(`- ${name}: ${JSON.stringify(about)}`);
  }

  /** Prints a table, and brings the file up to date: who loses patience keeps what was measured. */
  add(table: Table): void {
    console.log(`\n${table.title}\n\n${markdownTable(table.rows)}`);
    this.#tables.push(table);
    const { jsonFile, ...rest } = this.#options;
    if (jsonFile === undefined) return;
    const report = { machine: this.#machine, date: new Date().toISOString(), ...rest, tables: this.#tables };
    writeFileSync(jsonFile, `${JSON.stringify(report, null, 1)}\n`);
  }
}

/** A whole report at once. */
export function publish(
  { tables, ...options }: Omit<ReportOptions, "jsonFile"> & { readonly tables: readonly Table[] },
  jsonFile?: string,
): void {
  const report = new Report({ ...options, jsonFile });
  for (const table of tables) report.add(table);
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
