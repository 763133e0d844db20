import { inferJson } from "../infer.ts";
import { noteModelName } from "../model-name.ts";
import { type Call, post, type Route } from "../route.ts";
import * as schemas from "../schemas/others.ts";

const NANOSECONDS_PER_MS = 1e6;

function embed(body: schemas.OllamaEmbedRequest, call: Call): Promise<Response> {
  const { services, signal } = call;
  noteModelName(body.model, services.name, call);
  const texts = typeof body.input === "string" ? [body.input] : body.input;
  const startedAt = performance.now();
  return inferJson({ texts: texts.length, single: typeof body.input === "string" }, call, async () => {
    const { embedder } = services;
    // Ollama cuts to what there is, and takes 0 for all.
    const dimensions = Math.min(body.dimensions ?? 0, embedder.model.dimensions) || undefined;
    const { vectors, stats } = await embedder.embed(texts, { truncate: body.truncate ?? true, dimensions }, signal);
    return {
      body: {
        model: body.model,
        embeddings: vectors.map((vector) => Array.from(vector)),
        total_duration: Math.round((performance.now() - startedAt) * NANOSECONDS_PER_MS),
        load_duration: 0,
        prompt_eval_count: stats.tokens,
      },
      stats,
    };
  });
}

export const OLLAMA_ROUTES: readonly Route[] = [
  post({
    path: "/api/embed",
    family: "ollama",
    summary: "One normalised vector per text, as Ollama gives them",
    anyContentType: true,
    body: schemas.ollamaEmbedRequest,
    response: schemas.ollamaEmbedResponse,
    answer: embed,
  }),
];
