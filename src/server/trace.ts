import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";

const HEADERS: TextMapGetter<Headers> = {
  keys: (headers) => [...headers.keys()],
  get: (headers, key) => headers.get(key) ?? undefined,
};

/** What TEI records in its spans, and the response header that has it. */
const RECORDED = {
  compute_chars: "x-compute-characters",
  compute_tokens: "x-compute-tokens",
  total_time: "x-total-time",
  tokenization_time: "x-tokenization-time",
  queue_time: "x-queue-time",
  inference_time: "x-inference-time",
} as const;

/** Runs a route within an OpenTelemetry span, a child of the client's if it sent one. Free where nobody registered an SDK. */
export async function traced(request: Request, route: string, work: () => Promise<Response>): Promise<Response> {
  const parent = propagation.extract(context.active(), request.headers, HEADERS);
  const attributes = { "http.request.method": request.method, "http.route": route };
  const options = { kind: SpanKind.SERVER, attributes };
  const span = trace.getTracer("qwen3-ts").startSpan(`${request.method} ${route}`, options, parent);
  try {
    const response = await work();
    if (span.isRecording()) record(span, response);
    return response;
  } finally {
    span.end();
  }
}

function record(span: Span, { status, headers }: Response): void {
  span.setAttribute("http.response.status_code", status);
  for (const [attribute, header] of Object.entries(RECORDED)) {
    const value = headers.get(header);
    if (value !== null) span.setAttribute(attribute, Number(value));
  }
  if (status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
}
