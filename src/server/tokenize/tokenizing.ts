import type { Encoding, Tokenizer } from "../../tokenizer/index.ts";
import { jobLength, JobRunner, type TokenizeJob } from "./job.ts";
import { WorkerPool } from "./worker-pool.ts";

/** What is tokenised on the event loop's own thread: a millisecond or two, less than a thread's answer costs. */
const SHORT = 8192;

/** Texts to ids without holding up the event loop: short ones at once, long ones on other threads. */
export class Tokenizing {
  readonly tokenizer: Tokenizer;
  readonly #runner: JobRunner;
  readonly #pool: WorkerPool | undefined;

  constructor(tokenizer: Tokenizer, workers: number) {
    this.tokenizer = tokenizer;
    this.#runner = new JobRunner(tokenizer);
    this.#pool = tokenizer.file === undefined ? undefined : new WorkerPool(tokenizer.file, workers);
  }

  async run(jobs: readonly TokenizeJob[]): Promise<readonly Encoding[]> {
    const length = jobs.reduce((sum, job) => sum + jobLength(job), 0);
    if (this.#pool && length > SHORT) return await this.#pool.run(jobs);
    return jobs.map((job) => this.#runner.run(job));
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }
}
