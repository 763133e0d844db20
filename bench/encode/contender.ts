import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Counted, Encoded, Opened, Request } from "./protocol.ts";
import { REPLY_MARK } from "./protocol.ts";

/** A runtime with its settings, as the table names it. */
export interface ContenderSpec {
  readonly label: string;
  /** Where the driver is: a URL for Node, a path for Python. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  /** The program and its first arguments. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The command line of a Node child, `node` being the executable to use. */
export function nodeChild(node: string, ...flags: readonly string[]): string[] {
  return [node, ...flags, fileURLToPath(new URL("child.js", import.meta.url))];
}

/** A runtime under test in a process of its own, so that its memory and its compiled code are its own. */
export class Contender {
  readonly spec: ContenderSpec;
  readonly opened: Opened;
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  private constructor(spec: ContenderSpec, opened: Opened, process: ChildProcess, replies: AsyncIterator<string>) {
    this.spec = spec;
    this.opened = opened;
    this.#process = process;
    this.#replies = replies;
  }

  static async open(spec: ContenderSpec): Promise<Contender> {
    const [program = "", ...args] = spec.command;
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...spec.env },
    });
    const replies = marked(createInterface({ input: child.stdout }));
    child.stdin.write(`${JSON.stringify({ driver: spec.driver, options: spec.options })}\n`);
    return new Contender(spec, await nextReply<Opened>(spec.label, replies), child, replies);
  }

  async encode(texts: readonly string[], returnVectors = false): Promise<Encoded> {
    return this.#ask<Encoded>({ kind: "encode", texts, returnVectors });
  }

  async countTokens(texts: readonly string[]): Promise<readonly number[]> {
    return (await this.#ask<Counted>({ kind: "count", texts })).tokens;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => {
      this.#process.once("exit", resolve);
    });
    this.#send({ kind: "close" });
    await ended;
  }

  #send(request: Request): void {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  async #ask<R>(request: Request): Promise<R> {
    this.#send(request);
    return nextReply<R>(this.spec.label, this.#replies);
  }
}

async function* marked(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) {
    if (line.startsWith(REPLY_MARK)) yield line.slice(REPLY_MARK.length);
    else console.error(line);
  }
}

async function nextReply<R>(label: string, replies: AsyncIterator<string>): Promise<R> {
  const { value, done } = await replies.next();
  if (done) throw new Error(`${label}: the process ended; its own words are above`);
  return JSON.parse(value) as R;
}
