/** A thread that tokenises long texts, so that the event loop goes on meanwhile. Started by worker-pool.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { type Encoding, Tokenizer } from "../../tokenizer/index.ts";
import { JobRunner, type TokenizeJob } from "./job.ts";

export interface WorkerRequest {
  readonly number: number;
  readonly jobs: readonly TokenizeJob[];
}

export type WorkerReply =
  | { readonly number: number; readonly encodings: readonly Encoding[] }
  | { readonly number: number; readonly error: unknown };

const port = parentPort;
if (port === null) throw new Error("worker.ts runs in a worker thread only");
const { tokenizerFile } = workerData as { readonly tokenizerFile: string };
const runner = new JobRunner(await Tokenizer.fromFile(tokenizerFile));

port.on("message", ({ number, jobs }: WorkerRequest) => {
  port.postMessage(reply(number, jobs));
});

function reply(number: number, jobs: readonly TokenizeJob[]): WorkerReply {
  try {
    return { number, encodings: jobs.map((job) => runner.run(job)) };
  } catch (error) {
    return { number, error };
  }
}
