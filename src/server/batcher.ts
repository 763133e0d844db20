import { Qwen3Error } from "../core/errors.ts";

/** A text as it waits: its token ids, and whatever else computing it takes. */
export interface Work {
  readonly ids: Uint32Array;
}

export interface BatcherOptions<Item extends Work, Result> {
  /** Computes one batch; results in the order of the items. */
  readonly run: (batch: readonly Item[]) => Promise<readonly Result[]>;
  /** Most tokens of a batch; a longer text still runs, alone. */
  readonly maxBatchTokens: number;
  /** Most texts of a batch. @default no limit */
  readonly maxBatchTexts?: number | undefined;
  readonly observer?: BatchObserver | undefined;
}

/** What metrics, logs and the health check want to know. */
export interface BatchObserver {
  /** By how much the number of waiting texts changed. */
  readonly waiting?: (change: number) => void;
  readonly started?: (batch: { readonly texts: number; readonly tokens: number }) => void;
  readonly finished?: (error: unknown) => void;
  /** So many waiting texts lost their client. */
  readonly dropped?: (texts: number) => void;
}

export interface Answer<Result> {
  readonly result: Result;
  readonly queueMs: number;
  readonly inferenceMs: number;
}

/** The texts of one request. It is answered when its last one is done, and over when its first one fails. */
interface Group<Result> {
  readonly answers: Answer<Result>[];
  missing: number;
  readonly resolve: (answers: readonly Answer<Result>[]) => void;
  readonly reject: (reason: unknown) => void;
  over: boolean;
}

interface Entry<Item, Result> {
  readonly item: Item;
  readonly group: Group<Result>;
  /** Place among the group's answers. */
  readonly place: number;
  readonly queuedAt: number;
  /** Failed once already. */
  retried: boolean;
  /** Its batch failed, perhaps because of it: it gets one of its own. */
  alone: boolean;
}

/**
 * Continuous batching: texts of all requests wait in one queue, and whenever the model is free it gets as many of them
 * as the token budget holds. The text that has waited longest is always among them, so nobody starves; the shortest of
 * the others fill up, so that most are answered soonest.
 *
 * A second batch is handed over while one runs only if it is full: what waits for less may still get company.
 */
export class Batcher<Item extends Work, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  /** Oldest first. */
  #waiting: Entry<Item, Result>[] = [];
  #waitingTokens = 0;
  #running = 0;
  #scheduled = false;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  /** Texts waiting, without those being computed. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Batches being computed. */
  get running(): number {
    return this.#running;
  }

  /**
   * Queues the texts of a request.
   *
   * @param signal takes them out again; results of those being computed are forgotten
   * @returns answers in the order of the items; rejects with what `run` throws, or with the signal's reason
   */
  async submit(items: readonly Item[], signal?: AbortSignal): Promise<readonly Answer<Result>[]> {
    signal?.throwIfAborted();
    if (items.length === 0) return [];
    const { group, answered } = newGroup<Result>(items.length);
    const queuedAt = performance.now();
    this.#enqueue(items.map((item, place) => ({ item, group, place, queuedAt, retried: false, alone: false })));
    const cancel = (): void => this.#end(group, signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await answered;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  #enqueue(entries: readonly Entry<Item, Result>[]): void {
    this.#replaceWaiting([...this.#waiting, ...entries]);
    this.#schedule();
  }

  #replaceWaiting(waiting: Entry<Item, Result>[]): void {
    this.#options.observer?.waiting?.(waiting.length - this.#waiting.length);
    this.#waiting = waiting;
    this.#waitingTokens = waiting.reduce((sum, { item }) => sum + item.ids.length, 0);
  }

  #end(group: Group<Result>, reason: unknown): void {
    if (group.over) return;
    group.over = true;
    group.reject(reason);
    const left = this.#waiting.filter((entry) => entry.group !== group);
    const dropped = this.#waiting.length - left.length;
    if (dropped === 0) return;
    this.#replaceWaiting(left);
    this.#options.observer?.dropped?.(dropped);
  }

  /** One batch per turn of the event loop: requests that arrive together share it, and answers are sent in between. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#mayStart()) return;
      void this.#compute(this.#takeBatch());
      this.#schedule();
    });
  }

  #mayStart(): boolean {
    if (this.#running === 0) return this.#waiting.length > 0;
    return this.#running === 1 && this.#waitingTokens >= this.#options.maxBatchTokens;
  }

  #takeBatch(): Entry<Item, Result>[] {
    const { maxBatchTokens, maxBatchTexts = Number.POSITIVE_INFINITY } = this.#options;
    const [oldest, ...others] = this.#waiting;
    if (!oldest) return [];
    const batch = [oldest];
    let tokens = oldest.item.ids.length;
    const company = oldest.alone ? [] : others.filter(({ alone }) => !alone);
    for (const entry of company.toSorted((a, b) => a.item.ids.length - b.item.ids.length)) {
      const { length } = entry.item.ids;
      if (tokens + length > maxBatchTokens || batch.length >= maxBatchTexts) break;
      batch.push(entry);
      tokens += length;
    }
    const taken = new Set(batch);
    this.#replaceWaiting(this.#waiting.filter((entry) => !taken.has(entry)));
    this.#options.observer?.started?.({ texts: batch.length, tokens });
    return batch;
  }

  async #compute(batch: readonly Entry<Item, Result>[]): Promise<void> {
    this.#running++;
    const startedAt = performance.now();
    try {
      const results = await this.#options.run(batch.map(({ item }) => item));
      const inferenceMs = performance.now() - startedAt;
      this.#options.observer?.finished?.(undefined);
      for (const [n, { group, place, queuedAt }] of batch.entries()) {
        group.answers[place] = { result: results[n] as Result, queueMs: startedAt - queuedAt, inferenceMs };
        if (--group.missing === 0) group.resolve(group.answers);
      }
    } catch (error) {
      this.#options.observer?.finished?.(error);
      this.#retryOrFail(batch, error);
    } finally {
      this.#running--;
      this.#schedule();
    }
  }

  /**
   * Every text gets a second chance, before all that wait: on a device that was lost and is back, together; after any
   * other failure alone, so that one bad text does not fail its neighbours.
   */
  #retryOrFail(batch: readonly Entry<Item, Result>[], error: unknown): void {
    const deviceFailed = error instanceof Qwen3Error && error.code === "device";
    const again: Entry<Item, Result>[] = [];
    for (const entry of batch) {
      if (entry.retried || (batch.length === 1 && !deviceFailed)) this.#end(entry.group, error);
      entry.retried = true;
      entry.alone = !deviceFailed;
      if (!entry.group.over) again.push(entry);
    }
    this.#replaceWaiting([...again, ...this.#waiting]);
  }
}

function newGroup<Result>(missing: number): {
  readonly group: Group<Result>;
  readonly answered: Promise<readonly Answer<Result>[]>;
} {
  let resolve: Group<Result>["resolve"] = nothing;
  let reject: Group<Result>["reject"] = nothing;
  const answered = new Promise<readonly Answer<Result>[]>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  return { group: { answers: [], missing, resolve, reject, over: false }, answered };
}

function nothing(): void {}
