import type { Writable } from "node:stream";
import pino, { type DestinationStream, type Logger } from "pino";

const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** Logs as JSON lines, or as lines to read. Its level is LOG_LEVEL's, as TEI names them. */
export function createLogger(
  stream: Writable,
  { json, level }: { readonly json: boolean; readonly level: string | undefined },
): Logger {
  const known = LEVELS.find((name) => name === level?.toLowerCase()) ?? "info";
  const options = { level: known, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, json ? stream : readable(stream));
}

/** Turns pino's JSON into `time LEVEL message field=value …`. */
function readable(stream: Writable): DestinationStream {
  return {
    write: (line) => {
      const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const name = pino.levels.labels[Number(level)]?.toUpperCase() ?? "";
      const rest = Object.entries(fields).map(([key, value]) => `${key}=${printed(value)}`);
      const failure =
        err === undefined
          ? []
          : [printed(typeof err === "object" && err !== null && "message" in err ? err.message : err)];
      stream.write(`${[String(time), name.padEnd(5), String(msg), ...rest, ...failure].join(" ")}\n`);
    },
  };
}

/** On one line, whatever it is. */
function printed(value: unknown): string {
  return typeof value === "string" && /^[\w./:+-]+$/.test(value) ? value : JSON.stringify(value);
}
