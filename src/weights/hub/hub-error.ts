import { Qwen3Error, type ErrorCode } from "../../core/errors.ts";
import { type HubSettings, VARIABLES } from "./environment.ts";

/** Something on the way to the hub failed; `transient` if trying again may help. */
export class HubError extends Qwen3Error {
  readonly transient: boolean;
  /** How long the hub asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { readonly transient?: boolean; readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(code, message, options);
    this.transient = options.transient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What was asked for, for messages. */
export interface Asked {
  readonly settings: HubSettings;
  readonly id: string;
  readonly revision: string;
}

/** The server was not reached, or the connection broke. */
export class Unreachable extends HubError {
  constructor(error: unknown, url: string, { hub }: Pick<HubSettings, "hub">) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = (cause as { code?: unknown } | undefined)?.code;
    const reason = typeof code === "string" ? code : cause instanceof Error ? cause.message : String(cause);
    const mirror = `set ${VARIABLES[hub].endpoint} to a mirror`;
    const advice = `check the connection; behind a proxy, or where the hub is blocked, ${mirror}`;
    const message = `${new URL(url).host} cannot be reached (${reason}); ${advice}`;
    super("network", message, { cause: error, transient: true });
  }
}

/** Turns an answer that is not what was asked for into a sentence with what to do. */
export function refusal(response: Response, asked: Asked): HubError {
  if (isWebPage(response)) return webPage(response, asked);
  const { status } = response;
  const code = response.headers.get("X-Error-Code");
  const { id, revision, settings } = asked;
  if (code === "RevisionNotFound") {
    return new HubError(
      "not-found",
      `'${id}' has no revision '${revision}' on ${settings.endpoint}; is the branch, tag or commit spelled right?`,
    );
  }
  if (code === "GatedRepo" || status === 403) return forbidden(asked, code === "GatedRepo");
  if (code === "RepoNotFound" || status === 401) return unauthorized(asked);
  if (status === 404)
    return new HubError(
      "not-found",
      `${settings.endpoint} has no ${new URL(response.url).pathname} (404); is '${id}' spelled right?`,
    );
  const transient = status >= 500 || status === 429 || status === 408;
  const advice =
    status === 429 ? `too many requests; wait a while, or set ${VARIABLES[settings.hub].token}` : "try again later";
  const message = `${settings.endpoint} answered ${status} for '${id}'; ${advice}`;
  return new HubError("network", message, { transient, retryAfterMs: retryAfter(response) });
}

/** A proxy's error, a login page of a hotel, a firewall's notice. */
export function webPage({ url, status }: Response, { settings }: Asked): HubError {
  const message = `${url} answered with a web page (${status}) instead of data: a proxy, a firewall or a login page is in between`;
  const mirror = `set ${VARIABLES[settings.hub].endpoint} to a mirror that can be reached`;
  const advice = `open that address in a browser to see it, or ${mirror}`;
  return new HubError("network", `${message}; ${advice}`, { transient: status >= 500 });
}

export function isWebPage(response: Response): boolean {
  return response.headers.get("Content-Type")?.startsWith("text/html") === true;
}

function forbidden({ id, settings }: Asked, gated: boolean): HubError {
  const { endpoint, token, hub } = settings;
  const page = `${endpoint}/${id}`;
  if (token === undefined) {
    const message = `'${id}' needs a login: accept its terms on ${page}, then set ${VARIABLES[hub].token} to a token of that account (${endpoint}/settings/tokens)`;
    return new HubError("network", message);
  }
  const why = gated
    ? `'${id}' is gated, and the account of the token from ${token.from} has no access`
    : `${endpoint} forbids '${id}' to the token from ${token.from}`;
  return new HubError("network", `${why}; accept its terms on ${page}, or give the token the right to read it`);
}

/** The hub answers 401 for what does not exist as well, so that nobody can find out what is private. */
function unauthorized({ id, settings }: Asked): HubError {
  const { endpoint, token, hub } = settings;
  if (token === undefined) {
    const message = `${endpoint} has no public model '${id}'. If the name is right, it is private: set ${VARIABLES[hub].token} to a token that may read it`;
    return new HubError("not-found", `${message} (${endpoint}/settings/tokens)`);
  }
  const message = `${endpoint} has no model '${id}' that the token from ${token.from} may read`;
  return new HubError(
    "not-found",
    `${message}. Is the name right? Is the token still valid (${endpoint}/settings/tokens)?`,
  );
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? 1000 * seconds : undefined;
}
