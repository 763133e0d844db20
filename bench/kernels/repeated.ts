/** How long one measurement of a case should take, about. */
const BUDGET_MS = 80;
const MOST_RUNS = 200;
/** A case this slow is measured by itself, as every run more would cost seconds. */
const SLOW_MS = 2000;

/**
 * Makes what does an operation that many times and waits for the end. Making it is not timed.
 */
export type MakeRun = (times: number) => Promise<() => Promise<void>>;

/**
 * Times an operation by doing it once and many times: the difference leaves out the inputs, the submission and the
 * readback.
 */
export class RepeatedTimer {
  readonly #make: MakeRun;
  readonly #mostRuns: number;
  #once: () => Promise<void> = async () => {};
  #often: (() => Promise<void>) | undefined;
  #times = 1;

  constructor(make: MakeRun, mostRuns: number = MOST_RUNS) {
    this.#make = make;
    this.#mostRuns = mostRuns;
  }

  /** Runs until compilers and caches are warm, and chooses how many runs make one measurement. */
  async warmUp(): Promise<void> {
    this.#once = await this.#make(1);
    if ((await elapsed(this.#once)) > SLOW_MS) return;
    const thrice = await this.#make(3);
    await elapsed(thrice);
    const [one, three] = [await elapsed(this.#once), await elapsed(thrice)];
    const each = Math.max(0.001, three > one ? (three - one) / 2 : three / 3);
    this.#times = Math.max(3, Math.min(this.#mostRuns, Math.floor(BUDGET_MS / each)));
    this.#often = await this.#make(this.#times);
    await elapsed(this.#often);
  }

  /**
   * Milliseconds of one run.
   *
   * @param clock how long a run takes. @default by the clock
   */
  async measure(clock: (run: () => Promise<void>) => Promise<number> = elapsed): Promise<number> {
    const one = await clock(this.#once);
    return this.#often ? ((await clock(this.#often)) - one) / (this.#times - 1) : one;
  }
}

async function elapsed(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
