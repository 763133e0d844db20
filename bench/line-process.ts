import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * What a bench and a process under test say to each other are JSON lines, requests on stdin and replies on stdout. Lines of
 * stdout that do not begin with this mark are whatever the runtime under test printed.
 */
const REPLY_MARK = "@bench ";

export interface ProcessSpec {
  /** For errors. */
  readonly label: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A process under test, so that its memory and its compiled code are its own. */
export class LineProcess {
  readonly #label: string;
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  constructor({ label, command: [program = "", ...args], env }: ProcessSpec) {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
    this.#label = label;
    this.#process = child;
    this.#replies = marked(createInterface({ input: child.stdout }));
  }

  /** @throws Error if the process ends instead of replying */
  async ask<Reply>(request: object): Promise<Reply> {
    this.#send(request);
    const { value, done } = await this.#replies.next();
    if (done) throw new Error(`${this.#label}: the process ended; its own words are above`);
    return JSON.parse(value) as Reply;
  }

  /** Sends a last request and waits for the process to end. */
  async end(request: object): Promise<void> {
    const ended = new Promise((resolve) => {
      this.#process.once("exit", resolve);
    });
    this.#send(request);
    await ended;
  }

  #send(request: object): void {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
  }
}

async function* marked(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) {
    if (line.startsWith(REPLY_MARK)) yield line.slice(REPLY_MARK.length);
    else console.error(line);
  }
}

/** The other end: requests as they come in on stdin. */
export async function* requests<Request>(): AsyncGenerator<Request> {
  for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) as Request;
}

export function reply(message: object): void {
  process.stdout.write(`${REPLY_MARK}${JSON.stringify(message)}\n`);
}
