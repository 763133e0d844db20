import { readFile } from "node:fs/promises";
import { Command, CommanderError } from "commander";
import { COMMANDS } from "./commands.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";

/** Runs the command that the arguments name; without any, the demonstration. */
export async function run(args: readonly string[], context: Context): Promise<void> {
  const named = withCommand(args);
  const program = await programFor(named, context);
  try {
    await program.parseAsync([...named], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed its message, or the help or version that was asked for.
    if (error.exitCode !== 0) throw new UsageError("", { cause: error });
  }
}

/** Options alone, as in `npm start -- --device wasm`, are those of the demonstration. */
function withCommand(args: readonly string[]): readonly string[] {
  const [first = "-"] = args;
  return first.startsWith("-") && !["-h", "--help", "-V", "--version"].includes(first) ? ["demo", ...args] : args;
}

async function programFor(args: readonly string[], context: Context): Promise<Command> {
  const program = new Command("qwen3");
  const { stdout, stderr } = context;
  program
    .description("Qwen3 embeddings, search and their inner numbers, computed by this program alone.")
    .usage("COMMAND [options]")
    .version(await packageVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "qwen3: ")),
      getOutHelpWidth: () => stdout.columns,
      getErrHelpWidth: () => stderr.columns,
    })
    .showHelpAfterError("(qwen3 --help lists the commands, qwen3 COMMAND --help its options)")
    .addHelpText(
      "after",
      "\nWithout a command the model card's example is embedded with the bundled demonstration model.",
    );
  const named = new Set(args.slice(0, 2));
  for (const { name, summary, load } of COMMANDS) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
    if (named.has(name)) (await load())(command, context);
  }
  return program;
}

async function packageVersion(): Promise<string> {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(await readFile(file, "utf8")) as { readonly version: string };
  return version;
}
