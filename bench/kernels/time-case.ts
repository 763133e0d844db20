import type { Activation, Backend, Recording } from "../../src/kernels/backend.ts";
import { median } from "../statistics.ts";

/** Records a case's inputs and returns what records one run of its operation. */
export type CaseSetup = (recording: Recording) => () => Activation;

/** How long to measure one case, about. */
const BUDGET_MS = 400;
const ROUNDS = 5;
const MOST_RUNS = 200;

/**
 * Milliseconds of one run of an operation. A recording with one run is taken off one with many, which leaves out the inputs,
 * the submission and the readback.
 */
export class CaseTimer {
  readonly #backend: Backend;
  readonly #setup: CaseSetup;
  #runs = 1;
  readonly #singles: number[] = [];
  readonly #differences: number[] = [];

  constructor(backend: Backend, setup: CaseSetup) {
    this.#backend = backend;
    this.#setup = setup;
  }

  /** Runs the case until compilers and caches are warm, and chooses how many runs make one measurement. */
  async warmUp(): Promise<void> {
    const first = await this.#recordAndRead(1);
    if (first > 5 * BUDGET_MS) return; // a slow backend: every run more costs seconds
    const second = await this.#recordAndRead(2);
    const warm = Math.max(0.001, (second > first ? second - first : second / 2) || 0);
    this.#runs = Math.max(1, Math.min(MOST_RUNS, Math.floor(BUDGET_MS / ROUNDS / warm)));
    await this.#recordAndRead(this.#runs);
  }

  async measure(): Promise<void> {
    const single = await this.#recordAndRead(1);
    this.#singles.push(single);
    if (this.#runs > 1) this.#differences.push(((await this.#recordAndRead(this.#runs)) - single) / (this.#runs - 1));
  }

  /** Median over all measurements so far. */
  get milliseconds(): number {
    return median(this.#differences.length > 0 ? this.#differences : this.#singles);
  }

  async #recordAndRead(runs: number): Promise<number> {
    const start = performance.now();
    const recording = this.#backend.record();
    const run = this.#setup(recording);
    let result = run();
    for (let i = 1; i < runs; i++) result = run();
    await recording.read(recording.gatherRows(result, FIRST_ROW));
    return performance.now() - start;
  }
}

const FIRST_ROW = Uint32Array.of(0);

/** Measures the same case on several backends, taking turns. */
export async function timeInTurns(timers: readonly CaseTimer[]): Promise<number[]> {
  for (const timer of timers) await timer.warmUp();
  for (let round = 0; round < ROUNDS; round++) {
    for (const timer of timers) await timer.measure();
  }
  return timers.map((timer) => timer.milliseconds);
}
