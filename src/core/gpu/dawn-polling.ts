import * as nodeTimers from "node:timers";

/** Turns of the event loop in which Dawn asks at once: answers that do not depend on the GPU come in the first. */
const FIRST_TURNS = 2;
/** Milliseconds for which a GPU is asked in every turn: timers come one to two milliseconds late, which shorter work would feel. */
const EAGER_MS = 10;
/** Timers of Windows tick 64 times a second, too seldom. */
const COARSE_TIMERS: boolean = process.platform === "win32";
/** The shortest time that timers can wait. */
const INTERVAL_MS = 1;

/** One question of Dawn's to the GPU. */
type Tick = (...args: readonly unknown[]) => unknown;

/** How to wait for the next turn of the event loop, or longer. */
export interface Timers {
  setImmediate(turn: () => void): unknown;
  setTimeout(turn: () => void, ms: number): unknown;
}

/**
 * How often Dawn asks a working GPU whether it is done. Its binding does so in every turn of the event loop until all promises are
 * kept, which takes a core that software adapters compute on, and fills the young generation with callbacks. It takes
 * `setImmediate` from the global object whenever it plans the next turn, so it is given another one, which nobody else sees: it
 * is there only while a call of Dawn's runs, and given back when that returns. If Dawn ever plans its turns otherwise, it asks as
 * often as by itself.
 */
export class DawnPolling {
  readonly #eagerMs: number;
  readonly #timers: Timers;
  readonly #plan: (tick: Tick, ...args: readonly unknown[]) => void;
  #turns = 0;
  #eagerUntil = 0;

  /** @param software whether the adapter computes on the cores that asking takes */
  constructor({ software }: { readonly software: boolean }, timers: Timers = nodeTimers) {
    this.#eagerMs = COARSE_TIMERS ? Infinity : software ? 0 : EAGER_MS;
    this.#timers = timers;
    this.#plan = (tick, ...args) => this.#planTurn(() => this.#lend(() => tick(...args)));
  }

  /** Calls a function of Dawn's that returns a promise. */
  ask<T>(call: () => T): T {
    this.#turns = FIRST_TURNS;
    this.#eagerUntil = performance.now() + this.#eagerMs;
    return this.#lend(call);
  }

  #planTurn(turn: () => void): void {
    this.#turns -= 1;
    if (this.#turns >= 0 || performance.now() < this.#eagerUntil) this.#timers.setImmediate(turn);
    else this.#timers.setTimeout(turn, INTERVAL_MS);
  }

  #lend<T>(call: () => T): T {
    const { setImmediate } = globalThis;
    globalThis.setImmediate = this.#plan as typeof setImmediate;
    try {
      return call();
    } finally {
      globalThis.setImmediate = setImmediate;
    }
  }
}
