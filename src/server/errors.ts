/** TEI's kinds of failure; a kind has one status. */
export type ErrorType = "Unhealthy" | "Backend" | "Overloaded" | "Validation" | "Tokenizer" | "Empty";

const STATUS: Readonly<Record<ErrorType, number>> = {
  Unhealthy: 503,
  Backend: 424,
  Overloaded: 429,
  Validation: 422,
  Tokenizer: 422,
  Empty: 400,
};

/** A failure that its client is told about. Anything else that is thrown is told to the log only. */
export class ServerError extends Error {
  override readonly name: string = "ServerError";
  readonly type: ErrorType;
  readonly status: number;
  /** The `err` label of te_request_failure. */
  readonly label: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    type: ErrorType,
    message: string,
    {
      status = STATUS[type],
      label = type.toLowerCase(),
      headers = {},
      cause,
    }: {
      readonly status?: number;
      readonly label?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause });
    this.type = type;
    this.status = status;
    this.label = label;
    this.headers = headers;
  }
}

/** TEI writes this before what it finds wrong with a single text or option, but not with a list as a whole. */
const PREFIX = "Input validation error: ";

export function invalidInput(message: string): ServerError {
  return new ServerError("Validation", PREFIX + message, { label: "tokenization" });
}

export function emptyInput(message = "`inputs` cannot be empty"): ServerError {
  return new ServerError("Empty", PREFIX + message, { label: "tokenization" });
}

export function emptyList(field: string): ServerError {
  return new ServerError("Empty", `\`${field}\` cannot be empty`, { label: "validation" });
}

export function wrongModel(message: string): ServerError {
  return new ServerError("Backend", `Backend error: ${message}`, { label: "model_type" });
}

export function overloaded(): ServerError {
  return new ServerError("Overloaded", "Model is overloaded", { headers: { "retry-after": "1" } });
}

/** What a client hears of a failure that is not its own: no paths, no names of files or tensors. */
export function backendFailure(cause: unknown): ServerError {
  return new ServerError("Backend", "Backend error: inference failed", { label: "inference", cause });
}

/** A failure of the request as such, before any route has looked at it. */
export function badRequest(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): ServerError {
  return new ServerError("Validation", message, { status, label: "validation", headers });
}

/** Whose error format a route speaks. */
export type Family = "tei" | "openai" | "cohere" | "ollama";

/** The body of an error answer. */
export function errorBody(family: Family, { type, message, status }: ServerError): unknown {
  switch (family) {
    case "tei":
      return { error: message, error_type: type };
    case "openai":
      // TEI writes the fields at the top; OpenAI's own clients read them from `error`.
      return { message, code: status, type, error: { message, code: status, type, param: null } };
    case "cohere":
      return { message };
    case "ollama":
      return { error: message };
    default:
      return family satisfies never;
  }
}
