#!/usr/bin/env node
import { describeFailure } from "./failure.ts";
import { withPackage } from "./optional-package.ts";

/** After Ctrl-C: how long a command may take to put things in order, such as saving the vectors it has. */
const GRACE_MS = 2000;

const args = process.argv.slice(2);
const interrupted = new AbortController();

process.once("SIGINT", () => {
  interrupted.abort();
  setTimeout(() => process.exit(130), GRACE_MS).unref();
});
// `qwen3 … | head`: the reader has seen enough, and nobody is left to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.stderr.on("error", () => undefined);

process.exitCode = await main();
// What was written must be out before the process ends, which must not wait for anything else.
process.stdout.write("", () => process.exit());

async function main(): Promise<number> {
  const { stdin, stdout, stderr, env } = process;
  try {
    const { run } = await withPackage("commander", () => import("./run.ts"));
    await run(args, { stdin, stdout, stderr, env, signal: interrupted.signal });
    return 0;
  } catch (error) {
    const verbose = args.includes("--verbose");
    const { message, exitCode } = describeFailure(error, { verbose, aborted: interrupted.signal.aborted });
    stderr.write(message);
    return exitCode;
  }
}
