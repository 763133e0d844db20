import { HubError, Unreachable } from "./hub-error.ts";
import type { FetchOptions } from "./hub-fetch.ts";

/** The bytes of an answer, as long as they keep coming. */
export async function* readBody(
  body: ReadableStream<Uint8Array>,
  url: string,
  { patience, signal, settings }: Pick<FetchOptions, "patience" | "signal" | "settings">,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await beforeStall(reader.read(), url, patience.stallMs);
      if (done) return;
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof HubError ? error : new Unreachable(error, url, settings);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function beforeStall<T>(next: Promise<T>, url: string, stallMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    const message = `${new URL(url).host} sent nothing for ${stallMs / 1000} s`;
    timer = setTimeout(() => reject(new HubError("network", message, { transient: true })), stallMs);
  });
  try {
    return await Promise.race([next, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
