import { type Asked, HubError, isWebPage, refusal, Unreachable, webPage } from "./hub-error.ts";

/** How patient requests are. */
export interface Patience {
  /** For the first byte of an answer. @default 20,000 */
  readonly answerMs: number;
  /** For the next bytes of a file. @default 30,000 */
  readonly stallMs: number;
  /** Tries without a single byte of progress before giving up. @default 5 */
  readonly tries: number;
  /** Before the second try; doubled for each that follows. @default 1,000 */
  readonly retryMs: number;
}

export const PATIENCE: Patience = { answerMs: 20_000, stallMs: 30_000, tries: 5, retryMs: 1000 };

export interface FetchOptions extends Asked {
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A `fetch` for one model of one hub: it sends the token to the hub and nobody else (files come from other hosts by
 * redirect), waits only so long, and throws a {@link HubError} for whatever is not a plain answer.
 */
export function hubFetch(options: FetchOptions): typeof fetch {
  const { settings, patience, signal } = options;
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init.headers);
    headers.set("User-Agent", "qwen3-ts");
    // Sizes and ranges are those of the file, not of a compressed form of it.
    headers.set("Accept-Encoding", "identity");
    if (settings.token && new URL(url).origin === new URL(settings.endpoint).origin) {
      headers.set("Authorization", `Bearer ${settings.token.value}`);
    }
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), patience.answerMs);
    const either = signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal;
    const response = await fetch(url, { ...init, headers, signal: either })
      .catch((error: unknown) => {
        signal?.throwIfAborted();
        const reason = timeout.signal.aborted ? new Error(`no answer within ${patience.answerMs / 1000} s`) : error;
        throw new Unreachable(reason, url, settings);
      })
      .finally(() => clearTimeout(timer));
    const problem = problemOf(response, headers.get("Range"), options);
    if (problem) {
      await response.body?.cancel();
      throw problem;
    }
    return response;
  };
}

function problemOf(response: Response, range: string | null, asked: Asked): HubError | undefined {
  if (!response.ok) return refusal(response, asked);
  if (isWebPage(response)) return webPage(response, asked);
  if (range !== null && !isAnswerTo(range, response)) return new RangeIgnored(response.url);
  return undefined;
}

/** A part of a file was asked for, and something else came. */
export class RangeIgnored extends HubError {
  constructor(url: string) {
    super("network", `${new URL(url).host} cannot continue a broken download; starting that file again`, {
      transient: true,
    });
  }
}

function isAnswerTo(range: string, response: Response): boolean {
  const from = /^bytes=(\d+)-/.exec(range)?.[1];
  return response.status === 206 && response.headers.get("Content-Range")?.startsWith(`bytes ${from}-`) === true;
}

/** Asks a question, again if the hub is busy. One that cannot be reached at all is not worth waiting for. */
export function askHub<T>(options: Pick<FetchOptions, "patience" | "signal">, ask: () => Promise<T>): Promise<T> {
  return withRetries(options, ask, (error) => !(error instanceof Unreachable));
}

/** Repeats what fails in passing. `work` calls `progressed` whenever something was gained, which grants new tries. */
export async function withRetries<T>(
  { patience, signal }: Pick<FetchOptions, "patience" | "signal">,
  work: (progressed: () => void) => Promise<T>,
  isWorthwhile: (error: HubError) => boolean = () => true,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(() => {
        tries = 0;
      });
    } catch (error) {
      const again = error instanceof HubError && error.transient && isWorthwhile(error);
      if (!again || tries >= patience.tries) throw error;
      await pause(error.retryAfterMs ?? patience.retryMs * 2 ** Math.max(0, tries - 1), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}
