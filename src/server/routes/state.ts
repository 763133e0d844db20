import { z } from "zod";
import { ServerError } from "../errors.ts";
import { serverInfo } from "../info.ts";
import { type Call, get, type Route } from "../route.ts";

export async function health({ services }: Call): Promise<Response> {
  if (await services.healthy()) return new Response(null);
  throw new ServerError("Unhealthy", "unhealthy");
}

const infoResponse = z.looseObject({ model_id: z.string(), version: z.string() }).meta({ title: "Info" });

export const STATE_ROUTES: readonly Route[] = [
  get({
    path: "/info",
    family: "tei",
    summary: "The served model and the server's limits",
    response: infoResponse,
    answer: async ({ services }) => Response.json(serverInfo(services)),
  }),
  get({
    path: "/health",
    aliases: ["/ping"],
    family: "tei",
    summary: "Whether the models can compute: 200 or 503",
    open: true,
    answer: health,
  }),
  get({
    path: "/metrics",
    family: "tei",
    summary: "Prometheus metrics",
    open: true,
    answer: async ({ services: { metrics } }) =>
      new Response(await metrics.render(), { headers: { "content-type": metrics.contentType } }),
  }),
];
