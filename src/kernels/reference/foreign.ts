import { Qwen3Error } from "../../core/errors.ts";

/** The error for something that another backend made. */
export function foreign(what: string): Qwen3Error {
  return new Qwen3Error(
    "invalid-argument",
    `this ${what} belongs to another backend; load it with the one that runs it`,
  );
}
