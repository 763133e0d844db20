import { Worker } from "node:worker_threads";
import { Qwen3Error } from "../../core/errors.ts";
import type { Encoding } from "../../tokenizer/index.ts";
import type { TokenizeJob } from "./job.ts";
import type { WorkerReply, WorkerRequest } from "./worker.ts";

interface Pending {
  readonly resolve: (encodings: readonly Encoding[]) => void;
  readonly reject: (reason: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
}

/** Threads that tokenise, started when first needed. None of them keeps the process alive. */
export class WorkerPool {
  readonly #tokenizerFile: string;
  readonly #size: number;
  readonly #members: Member[] = [];
  #next = 0;

  /** @param size threads at most; each holds a tokenizer of its own (some 100 MB for the real vocabulary) */
  constructor(tokenizerFile: string, size: number) {
    this.#tokenizerFile = tokenizerFile;
    this.#size = size;
  }

  run(jobs: readonly TokenizeJob[]): Promise<readonly Encoding[]> {
    const { worker, pending } = this.#leastBusy();
    const number = this.#next++;
    return new Promise((resolve, reject) => {
      pending.set(number, { resolve, reject });
      worker.ref(); // a process that waits for an answer must live until it comes
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage({ number, jobs } satisfies WorkerRequest);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.splice(0).map(({ worker }) => worker.terminate()));
  }

  #leastBusy(): Member {
    const idle = this.#members.find(({ pending }) => pending.size === 0);
    if (idle) return idle;
    if (this.#members.length < this.#size) return this.#start();
    return this.#members.reduce((least, member) => (member.pending.size < least.pending.size ? member : least));
  }

  #start(): Member {
    const worker = new Worker(new URL(import.meta.resolve("./worker.js")), {
      workerData: { tokenizerFile: this.#tokenizerFile },
    });
    const member: Member = { worker, pending: new Map() };
    worker.on("message", (reply: WorkerReply) => settle(member, reply));
    worker.on("error", (error) => this.#lost(member, error));
    worker.on("exit", () => this.#lost(member, new Qwen3Error("device", "the tokenizer's thread ended")));
    worker.unref();
    this.#members.push(member);
    return member;
  }

  /** Fails what this thread had to do; the next text starts another. */
  #lost(member: Member, error: Error): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    for (const { reject } of member.pending.values()) reject(error);
    member.pending.clear();
  }
}

function settle({ worker, pending }: Member, reply: WorkerReply): void {
  const waiting = pending.get(reply.number);
  pending.delete(reply.number);
  if (pending.size === 0) worker.unref();
  if ("error" in reply) waiting?.reject(reply.error);
  else waiting?.resolve(reply.encodings);
}
