import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Handler } from "./create-handler.ts";

export interface ListenOptions {
  readonly hostname: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** How long a client may take to send a request's headers. @default 10000 */
  readonly headersTimeoutMs?: number;
  /** How long a client may take to send a whole request. @default 60000 */
  readonly requestTimeoutMs?: number;
  /** How long a connection may be silent in the middle of an answer. @default 600000 */
  readonly silenceTimeoutMs?: number;
}

/** A server that accepts connections. */
export interface Listening {
  readonly hostname: string;
  readonly port: number;
  /**
   * Accepts nothing any more and lets what is under way finish.
   *
   * @param graceMs after which connections are cut
   */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Binds a handler to a socket. @throws the system's error if the address cannot be had */
export async function listen(handler: Handler, options: ListenOptions): Promise<Listening> {
  const { hostname, port, headersTimeoutMs = 10_000, requestTimeoutMs = 60_000, silenceTimeoutMs = 600_000 } = options;
  const serverOptions = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // How often the two above are looked at.
    connectionsCheckingInterval: Math.max(50, Math.min(headersTimeoutMs, 2000) / 2),
    keepAliveTimeout: 65_000, // longer than the 60 seconds after which load balancers drop a connection
  };
  const server = createAdaptorServer({ fetch: handler, serverOptions }) as Server;
  server.setTimeout(silenceTimeoutMs);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  const address = server.address() as AddressInfo;
  return { hostname: address.address, port: address.port, close: (graceMs) => close(server, graceMs) };
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  // A connection kept alive whose answer was sent after the closing began is idle now, and ends nothing by itself.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(cut);
  clearInterval(sweep);
}
