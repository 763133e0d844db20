import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { answer, failure } from "./answer.ts";
import { badRequest, type Family } from "./errors.ts";
import type { Models } from "./models.ts";
import type { ServerOptions } from "./options.ts";
import type { Call, Route } from "./route.ts";
import { ROUTES } from "./routes/all.ts";
import { Services } from "./services.ts";
import { traced } from "./trace.ts";

/** A server without a socket. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * Answers the clients of text-embeddings-inference, OpenAI, Cohere, Jina, vLLM and Ollama with the models given, which
 * stay the caller's to dispose. It touches no socket, no environment and no arguments.
 *
 * @throws Qwen3Error `invalid-argument` naming an option that cannot be used
 */
export function createHandler(models: Models, options: ServerOptions = {}): Handler {
  return handlerOf(new Services(models, options));
}

/** The same, for whoever also looks after the services. */
export function handlerOf(services: Services): Handler {
  const app = new Hono();
  const { corsAllowOrigin } = services.settings;
  if (corsAllowOrigin.length > 0) app.use(crossOrigin(corsAllowOrigin));
  for (const route of ROUTES) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      app.on(route.method, path, (context) =>
        respond(context, services, (call) => traced(call.request, route.path, () => answer(route, call))),
      );
    }
  }
  for (const [path, methods] of methodsByPath(ROUTES)) {
    app.all(path, (context) => respond(context, services, (call) => refuse(405, call, { allow: methods.join(", ") })));
  }
  app.notFound((context) => respond(context, services, (call) => refuse(404, call)));
  return async (request) => await app.fetch(request);
}

/** Origins as TEI takes them: a list, or `*` for all. */
function crossOrigin(origins: readonly string[]): ReturnType<typeof cors> {
  return cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "POST"],
    allowHeaders: ["content-type", "authorization"],
  });
}

/** An id that the client chose, if it is fit for logs and headers. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

async function respond(
  context: Context,
  services: Services,
  work: (call: Call) => Promise<Response>,
): Promise<Response> {
  const startedAt = performance.now();
  const request = context.req.raw;
  const given = request.headers.get("x-request-id") ?? "";
  const id = REQUEST_ID.test(given) ? given : randomUUID();
  const { method, path } = context.req;
  const { logger } = services.settings;
  const about = { id, method, path };
  const response = await work({
    request,
    parameters: context.req.param(),
    signal: request.signal,
    services,
    logger: {
      info: (fields, message) => logger.info({ ...about, ...fields }, message),
      warn: (fields, message) => logger.warn({ ...about, ...fields }, message),
      error: (fields, message) => logger.error({ ...about, ...fields }, message),
    },
  });
  response.headers.set("x-request-id", id);
  const ms = Math.round(performance.now() - startedAt);
  logger.info({ ...about, status: response.status, ms }, "request");
  return response;
}

async function refuse(
  status: 404 | 405,
  call: Call,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { pathname } = new URL(call.request.url);
  const what = status === 404 ? `no route ${pathname}` : `${pathname} does not take ${call.request.method}`;
  return failure(badRequest(status, what, headers), familyOf(pathname), call);
}

function familyOf(path: string): Family {
  if (path.startsWith("/v1/") || path.startsWith("/score")) return "openai";
  if (path.startsWith("/v2/")) return "cohere";
  return path.startsWith("/api/") ? "ollama" : "tei";
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, aliases = [], method } of routes) {
    for (const each of [path, ...aliases]) methods.set(each, [...(methods.get(each) ?? []), method]);
  }
  return methods;
}
