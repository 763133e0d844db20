import { authorize } from "./authorize.ts";
import { backendFailure, errorBody, type Family, ServerError } from "./errors.ts";
import { parseBody, readJson } from "./parse-body.ts";
import type { Call, Route } from "./route.ts";

/** A route's whole way: key, body, work, and whatever fails on it in the family's own format. */
export async function answer(route: Route, call: Call): Promise<Response> {
  try {
    const { settings } = call.services;
    if (settings.apiKey !== undefined && route.open !== true) authorize(call.request, settings.apiKey);
    return await route.answer(await routeBody(route, call), call);
  } catch (error) {
    return failure(error, route.family, call);
  }
}

async function routeBody({ body, anyContentType = false }: Route, { request, services }: Call): Promise<unknown> {
  if (!body) return undefined;
  const { payloadLimit } = services.settings;
  return parseBody(body, await readJson(request, { payloadLimit, anyContentType }));
}

/** Says as much of an error as its client may know, and all of it to the log. */
export function failure(error: unknown, family: Family, { signal, services, logger }: Call): Response {
  // Nobody is there to read it; 499 is what nginx logs of such a request.
  if (signal.aborted) return new Response(null, { status: 499 });
  const told = error instanceof ServerError ? error : backendFailure(error);
  services.metrics.failed(told.label);
  const event = { status: told.status, type: told.type, err: told.cause ?? told.message };
  if (told.status >= 500 || told.cause !== undefined) logger.error(event, told.message);
  else logger.warn(event, told.message);
  return Response.json(errorBody(family, told), { status: told.status, headers: told.headers });
}
