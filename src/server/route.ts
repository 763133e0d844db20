import type { z } from "zod";
import type { Family } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { Services } from "./services.ts";

/** What a route is asked. */
export interface Call {
  readonly request: Request;
  /** Values of the `:name` parts of the path. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly services: Services;
}

/** A row of the table that the router and the OpenAPI document are made of. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly family: Family;
  readonly summary: string;
  /** Needs no key. */
  readonly open?: boolean;
  /** A body of any content type is taken for JSON, as the original does. */
  readonly anyContentType?: boolean;
  /** Other paths that do the same, which the document leaves out. */
  readonly aliases?: readonly string[];
  readonly body?: z.ZodType;
  readonly response?: z.ZodType;
  /** @param body parsed by the schema */
  readonly answer: (body: unknown, call: Call) => Promise<Response>;
}

/** A POST route whose body has the schema's type. */
export function post<Schema extends z.ZodType>(
  route: Omit<Route, "method" | "body" | "answer"> & {
    readonly body: Schema;
    readonly answer: (body: z.output<Schema>, call: Call) => Promise<Response>;
  },
): Route {
  return { ...route, method: "POST", answer: (body, call) => route.answer(body as z.output<Schema>, call) };
}

export function get(
  route: Omit<Route, "method" | "body" | "answer"> & { readonly answer: (call: Call) => Promise<Response> },
): Route {
  return { ...route, method: "GET", answer: (_, call) => route.answer(call) };
}
