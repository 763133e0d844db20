/**
 * `npm run bench -- COMMAND [OPTION…]`. Each command is a module of this folder that exports `run(args)`; it is only
 * loaded when asked for.
 */
interface Bench {
  run(args: readonly string[]): Promise<void>;
}

interface Command {
  readonly summary: string;
  load(): Promise<Bench>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  encode: {
    summary: "texts to vectors: whole runtimes against each other",
    load: () => import("./encode/command.ts"),
  },
  generate: {
    summary: "tokens one by one: reading a prompt and writing after it",
    load: () => import("./generate/command.ts"),
  },
  host: {
    summary: "what the host does for a batch before a GPU has it",
    load: () => import("./host/command.ts"),
  },
  kernels: {
    summary: "every operation at the sizes of real models",
    load: () => import("./kernels/command.ts"),
  },
  load: {
    summary: "time and memory to load a checkpoint",
    load: () => import("./load/command.ts"),
  },
  rerank: {
    summary: "what sharing a prefix between documents saves",
    load: () => import("./rerank/command.ts"),
  },
  server: {
    summary: "requests over HTTP against the library called directly",
    load: () => import("./server/command.ts"),
  },
  synthetic: {
    summary: "write a random checkpoint of any Qwen3 shape",
    load: () => import("./synthetic/command.ts"),
  },
  tokenizer: {
    summary: "tokenizers with Qwen3's vocabulary against each other",
    load: () => import("./tokenizer/command.ts"),
  },
};

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return `usage: npm run bench -- COMMAND [OPTION…]\n\n${lines.join("\n")}\n\nCOMMAND --help lists its options.`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  const command = name === undefined ? undefined : COMMANDS[name];
  if (!command) {
    console.error(usage());
    return 2;
  }
  try {
    await (await command.load()).run(args);
    return 0;
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
