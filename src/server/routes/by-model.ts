/** Routes whose work depends on the model: TEI's `/`, SageMaker's `/invocations`, and Vertex AI's envelope around both. */
import { z } from "zod";
import { emptyList } from "../errors.ts";
import { infer, type Inferred } from "../infer.ts";
import { parseBody } from "../parse-body.ts";
import { type Call, post, type Route } from "../route.ts";
import { listInputs } from "../schemas/inputs.ts";
import * as schemas from "../schemas/tei.ts";
import { embed, embedInputs } from "./embed.ts";
import { predictPairs, rankTexts, rerank } from "./rerank.ts";

/** What tells a request to rerank from all others. */
function asksToRerank(body: unknown): boolean {
  return typeof body === "object" && body !== null && "query" in body && "texts" in body;
}

/** With both models the body decides; with one, the model. */
function byModel(body: unknown, call: Call): Promise<Response> {
  const { embedding, reranker } = call.services;
  if (!embedding || (reranker && asksToRerank(body))) return rerank(parseBody(schemas.rerankRequest, body), call);
  return embed(parseBody(schemas.embedRequest, body), call);
}

async function vertex({ instances }: schemas.VertexRequest, call: Call): Promise<Response> {
  if (instances.length === 0) throw emptyList("instances");
  const predictions = await Promise.all(instances.map((instance) => predictInstance(instance, call)));
  return Response.json({ predictions: predictions.map(({ body }) => body) });
}

function predictInstance(instance: unknown, call: Call): Promise<Inferred<unknown>> {
  if (asksToRerank(instance)) {
    const body = parseBody(schemas.rerankRequest, instance);
    return infer({ texts: body.texts.length }, call, () => rankTexts(body, call));
  }
  if (call.services.embedding) {
    const body = parseBody(schemas.embedRequest, instance);
    const { list, single } = listInputs(body.inputs);
    return infer({ texts: list.length, single }, call, () => embedInputs(body, call));
  }
  const body = parseBody(schemas.predictRequest, instance);
  return infer({ texts: 1 }, call, () => predictPairs(body, call));
}

/** Checked by the schema of what it turns out to be, whose findings say more than those of a union. */
const either = z
  .custom<unknown>(() => true)
  .meta({ anyOf: [{ $ref: "#/components/schemas/EmbedRequest" }, { $ref: "#/components/schemas/RerankRequest" }] });

export const BY_MODEL_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/",
    aliases: ["/invocations"],
    family: "tei",
    summary: "/embed or /rerank, whichever the served model can",
    body: either,
    answer: byModel,
  },
  post({
    path: "/vertex",
    family: "tei",
    summary: "Several /embed, /rerank or /predict requests in Vertex AI's envelope",
    body: schemas.vertexRequest,
    response: schemas.vertexResponse,
    answer: vertex,
  }),
];
