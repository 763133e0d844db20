/** A batch that runs for longer than this is taken to hang. The largest on the slowest device takes some 60 seconds. */
const STUCK_AFTER_MS = 300_000;
/** A probe is one token, or a wait for what others gave the device just before. */
const PROBE_TIMEOUT_MS = 10_000;
/** Answers are reused for so long: anybody may ask, and asking must cost next to nothing. */
const FRESH_MS = 1000;

/** Whether a model can compute: seen from the batches it computes, or, if there are none, from a probe. */
export class Health {
  readonly #probe: () => Promise<unknown>;
  #running = 0;
  #lastStart = 0;
  #failing = false;
  #probed: { readonly at: number; readonly outcome: Promise<boolean> } | undefined;

  /** @param probe computes something small */
  constructor(probe: () => Promise<unknown>) {
    this.#probe = probe;
  }

  started(): void {
    this.#running++;
    this.#lastStart = performance.now();
  }

  finished(error: unknown): void {
    this.#running--;
    this.#failing = error !== undefined;
  }

  /** While a batch runs the last one's outcome counts: a probe would only wait behind it. */
  async check(): Promise<boolean> {
    if (this.#running > 0) return !this.#failing && performance.now() - this.#lastStart < STUCK_AFTER_MS;
    if (!this.#probed || performance.now() - this.#probed.at > FRESH_MS) {
      this.#probed = { at: performance.now(), outcome: this.#tryProbe() };
    }
    return await this.#probed.outcome;
  }

  async #tryProbe(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the probe got no answer")), PROBE_TIMEOUT_MS);
      timer.unref();
    });
    try {
      await Promise.race([this.#probe(), timeout]);
      this.#failing = false;
    } catch {
      this.#failing = true;
    } finally {
      clearTimeout(timer);
    }
    return !this.#failing;
  }
}
