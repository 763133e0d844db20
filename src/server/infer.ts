import { ServerError } from "./errors.ts";
import type { Call } from "./route.ts";
import type { RequestStats } from "./stats.ts";

export interface InferenceRequest {
  /** Texts to be computed. */
  readonly texts: number;
  /** Whether the client sent one input or a list. */
  readonly single?: boolean;
}

/** What a computation returns: the body of the answer, and what it took. */
export interface Inferred<Body> {
  readonly body: Body;
  readonly stats: RequestStats;
}

/** Counts, admits, limits and measures a request around its computation. */
export async function infer<Body>(
  { texts, single = false }: InferenceRequest,
  { services }: Call,
  compute: () => Promise<Inferred<Body>>,
): Promise<Inferred<Body> & { readonly totalMs: number }> {
  const { metrics, admission, settings } = services;
  const startedAt = performance.now();
  const method = single ? "single" : "batch";
  metrics.accepted(method);
  checkBatchSize(texts, settings.maxClientBatchSize);
  using _ = admission.enter(texts);
  const inferred = await compute();
  const totalMs = performance.now() - startedAt;
  metrics.answered(method, totalMs, inferred.stats);
  return { ...inferred, totalMs };
}

export function checkBatchSize(size: number, most: number): void {
  if (size <= most) return;
  const message = `batch size ${size} > maximum allowed batch size ${most}`;
  throw new ServerError("Validation", message, { label: "batch_size" });
}

/** The same, answered as JSON with TEI's headers. */
export async function inferJson(
  request: InferenceRequest,
  call: Call,
  compute: () => Promise<Inferred<unknown>>,
): Promise<Response> {
  const { body, stats, totalMs } = await infer(request, call, compute);
  return Response.json(body, { headers: timingHeaders(call, stats, totalMs) });
}

export function timingHeaders({ services }: Call, stats: RequestStats, totalMs: number): Record<string, string> {
  const onGpu = [services.embedding, services.reranker].some((service) => service?.model.device.kind === "webgpu");
  return {
    "x-compute-type": onGpu ? "gpu+optimized" : "cpu+optimized",
    "x-compute-time": wholeMs(totalMs),
    "x-compute-characters": String(stats.characters),
    "x-compute-tokens": String(stats.tokens),
    "x-total-time": wholeMs(totalMs),
    "x-tokenization-time": wholeMs(stats.tokenizationMs),
    "x-queue-time": wholeMs(stats.queueMs),
    "x-inference-time": wholeMs(stats.inferenceMs),
  };
}

function wholeMs(time: number): string {
  return String(Math.floor(time));
}
