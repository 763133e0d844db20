import { Qwen3Error } from "../core/errors.ts";

/** The command line cannot be understood: exit code 2. An empty message means that it has been explained already. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** What goes to stderr and to the shell when a command throws. */
export interface Failure {
  readonly message: string;
  readonly exitCode: 1 | 2 | 130;
}

/** @param verbose adds the stacks of the error and its causes */
export function describeFailure(
  error: unknown,
  options: { readonly verbose: boolean; readonly aborted: boolean },
): Failure {
  if (options.aborted) return { message: "", exitCode: 130 };
  const exitCode = error instanceof UsageError ? 2 : 1;
  if (exitCode === 2 && (error as UsageError).message === "") return { message: "", exitCode };
  if (options.verbose) return { message: `qwen3: ${stackOf(error)}\n`, exitCode };
  const hint = isExpected(error) ? "" : " (unexpected; --verbose shows where)";
  return { message: `qwen3: ${oneLine(error)}${hint}\n`, exitCode };
}

/** Errors made for readers: ours, and those of the file system, which name the path. */
function isExpected(error: unknown): boolean {
  return error instanceof Qwen3Error || error instanceof UsageError || (error instanceof Error && "syscall" in error);
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, "; ");
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
