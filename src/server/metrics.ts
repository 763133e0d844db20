import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { RequestStats } from "./stats.ts";

/** 35 bounds from 15 µs to 15 s, each half as large again as the one before. */
const DURATIONS = Array.from({ length: 35 }, (_, n) => 1e-5 * 1.5 ** (n + 1));

function powersOfTwo(n: number, most = Number.POSITIVE_INFINITY): number[] {
  return Array.from({ length: n }, (_, i) => 2 ** i).filter((bound) => bound <= most);
}

/** `embed` or `predict`, as TEI's metrics call the two kinds of work. */
export type WorkKind = "embed" | "predict";

/** Prometheus metrics under text-embeddings-inference's names. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter("te_request_count", "Requests accepted", ["method"]);
  readonly #successes = this.#counter("te_request_success", "Requests answered", ["method"]);
  readonly #failures = this.#counter("te_request_failure", "Requests and texts that failed, by why", ["err"]);
  readonly #requestTimes = this.#times("te_request");
  readonly #inputLength: Histogram;
  readonly #batchSize = this.#histogram("te_batch_next_size", "Texts of a batch", powersOfTwo(13));
  readonly #batchTokens = this.#histogram("te_batch_next_tokens", "Tokens of a batch", powersOfTwo(21));
  readonly #queueSize = new Gauge({ name: "te_queue_size", help: "Texts waiting", registers: [this.#registry] });
  readonly #work: Readonly<Record<WorkKind, WorkMetrics>> = {
    embed: this.#workMetrics("te_embed"),
    predict: this.#workMetrics("te_predict"),
  };

  constructor(maxInputLength: number) {
    this.#inputLength = this.#histogram("te_request_input_length", "Tokens of a text", powersOfTwo(20, maxInputLength));
  }

  accepted(method: "single" | "batch"): void {
    this.#requests.inc({ method });
  }

  answered(method: "single" | "batch", totalMs: number, stats: RequestStats): void {
    this.#successes.inc({ method });
    this.#requestTimes(totalMs, stats);
  }

  failed(err: string, count = 1): void {
    this.#failures.inc({ err }, count);
  }

  /** One text was tokenised and queued. */
  queued(kind: WorkKind, tokens: number): void {
    this.#work[kind].count.inc();
    this.#inputLength.observe(tokens);
  }

  /** One text was computed. */
  computed(kind: WorkKind, totalMs: number, times: Omit<RequestStats, "characters" | "tokens">): void {
    this.#work[kind].success.inc();
    this.#work[kind].times(totalMs, times);
  }

  batchStarted({ texts, tokens }: { readonly texts: number; readonly tokens: number }): void {
    this.#batchSize.observe(texts);
    this.#batchTokens.observe(tokens);
  }

  waiting(change: number): void {
    this.#queueSize.inc(change);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }

  #workMetrics(prefix: string): WorkMetrics {
    return {
      count: this.#counter(`${prefix}_count`, "Texts queued", []),
      success: this.#counter(`${prefix}_success`, "Texts computed", []),
      times: this.#times(prefix),
    };
  }

  #times(prefix: string): RecordTimes {
    const total = this.#histogram(`${prefix}_duration`, "Seconds from start to end", DURATIONS);
    const parts = (["tokenization", "queue", "inference"] as const).map((part) => {
      const histogram = this.#histogram(`${prefix}_${part}_duration`, `Seconds of ${part}`, DURATIONS);
      return { histogram, field: `${part}Ms` as const };
    });
    return (totalMs, times) => {
      total.observe(totalMs / 1000);
      for (const { histogram, field } of parts) histogram.observe(times[field] / 1000);
    };
  }
}

type RecordTimes = (totalMs: number, times: Omit<RequestStats, "characters" | "tokens">) => void;

interface WorkMetrics {
  readonly count: Counter;
  readonly success: Counter;
  readonly times: RecordTimes;
}
