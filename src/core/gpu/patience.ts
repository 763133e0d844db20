import { setTimeout } from "node:timers/promises";

/** Part of the time that work like this should take that passes before the GPU is asked. */
const PATIENCE = 0.8;
/** Timers come up to a millisecond late, and none is shorter. */
const TIMER_MS = 1;
/** How much of a slower time is believed, so that one lucky time is forgotten in the end. */
const DOUBT = 0.1;

/** What time it is, and how to let some pass. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

const SYSTEM: Clock = { now: () => performance.now(), sleep: (ms) => setTimeout(ms) };

/**
 * Lets submitted work alone until it may be done. From the moment that we wait for it, Dawn's binding asks the GPU in every turn of
 * the event loop, a core's whole work, which a software adapter computes on and the program around us may need. Work of about
 * the same size takes about as long per operation, so the times of earlier work say when to begin.
 */
export class Patience {
  readonly #clock: Clock;
  /** Milliseconds an operation, by the power of two of how many there are: small batches are bound by other things than large ones. */
  readonly #rates = new Map<number, number>();
  #before: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock = SYSTEM) {
    this.#clock = clock;
  }

  /**
   * @param operations of the work just submitted, in whatever unit, more than 0
   * @param wait asks the GPU until it is done; called when the work before is, and this may be
   */
  async until<T>(operations: number, wait: () => Promise<T>): Promise<T> {
    const done = this.#before.then(() => this.#wait(operations, wait));
    this.#before = done.catch(() => {}); // whoever waits for it sees why it failed
    return await done;
  }

  async #wait<T>(operations: number, wait: () => Promise<T>): Promise<T> {
    const size = Math.floor(Math.log2(operations));
    const rate = this.#rates.get(size) ?? 0;
    const began = this.#clock.now();
    const patience = PATIENCE * rate * operations - TIMER_MS;
    if (patience >= TIMER_MS) await this.#clock.sleep(patience);
    const result = await wait();
    const measured = (this.#clock.now() - began) / operations;
    this.#rates.set(size, rate === 0 || measured < rate ? measured : rate + DOUBT * (measured - rate));
    return result;
  }
}
