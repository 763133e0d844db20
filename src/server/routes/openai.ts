import { badRequest } from "../errors.ts";
import { inferJson } from "../infer.ts";
import { noteModelName } from "../model-name.ts";
import { type Call, get, post, type Route } from "../route.ts";
import { listInputs } from "../schemas/inputs.ts";
import * as schemas from "../schemas/others.ts";

type EmbeddingsBody = schemas.OpenAIEmbeddingsRequest;

function embeddings(body: EmbeddingsBody, call: Call): Promise<Response> {
  const { services, signal } = call;
  noteModelName(body.model, services.name, call);
  const { list, single } = listInputs(body.input);
  return inferJson({ texts: list.length, single }, call, async () => {
    const options = { dimensions: body.dimensions ?? undefined };
    const { vectors, stats } = await services.embedder.embed(list, options, signal);
    const write = body.encoding_format === "base64" ? toBase64 : toNumbers;
    return {
      body: {
        object: "list",
        data: vectors.map((vector, index) => ({ object: "embedding", embedding: write(vector), index })),
        model: services.name.served,
        usage: { prompt_tokens: stats.tokens, total_tokens: stats.tokens },
      },
      stats,
    };
  });
}

function toNumbers(vector: Float32Array): number[] {
  return Array.from(vector);
}

/** Little-endian float32, whatever the machine's own order. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, 4 * i);
  return bytes.toString("base64");
}

interface ModelEntry {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

function listModels({ services }: Call): ModelEntry[] {
  const names = new Set([services.name.served, ...(services.reranker ? [services.rerankerName.served] : [])]);
  return [...names].map((id) => ({ id, object: "model", created: services.startedAt, owned_by: "qwen3-ts" }));
}

export const OPENAI_ROUTES: readonly Route[] = [
  post({
    path: "/v1/embeddings",
    aliases: ["/embeddings"],
    family: "openai",
    summary: "One normalised vector per input, as OpenAI's API gives them",
    body: schemas.openaiEmbeddingsRequest,
    response: schemas.openaiEmbeddingsResponse,
    answer: embeddings,
  }),
  get({
    path: "/v1/models",
    family: "openai",
    summary: "The served models",
    response: schemas.modelsResponse,
    answer: async (call) => Response.json({ object: "list", data: listModels(call) }),
  }),
  get({
    path: "/v1/models/:model{.+}",
    family: "openai",
    summary: "One of them",
    response: schemas.modelResponse,
    answer: async (call) => {
      const { model = "" } = call.parameters;
      const entry = listModels(call).find(({ id }) => id === model);
      if (!entry) throw badRequest(404, `The model \`${model}\` does not exist`);
      return Response.json(entry);
    },
  }),
];
