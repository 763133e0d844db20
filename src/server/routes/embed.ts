import { emptyList, wrongModel } from "../errors.ts";
import { infer, type Inferred, inferJson, timingHeaders } from "../infer.ts";
import { jsonOfMatrices } from "../json-rows.ts";
import { type Call, post, type Route } from "../route.ts";
import { listInputs } from "../schemas/inputs.ts";
import * as schemas from "../schemas/tei.ts";
import type { ReadOptions } from "../text-reader.ts";

type EmbedBody = schemas.EmbedRequest;

/** What TEI's requests say about how texts are read. */
export function readOptions(body: {
  readonly truncate?: boolean | null | undefined;
  readonly truncation_direction: "Left" | "Right" | "left" | "right";
  readonly prompt_name?: string | null | undefined;
}): ReadOptions {
  return {
    truncate: body.truncate ?? undefined,
    truncationSide: body.truncation_direction.toLowerCase() === "left" ? "left" : "right",
    promptName: body.prompt_name ?? undefined,
  };
}

export function embed(body: EmbedBody, call: Call): Promise<Response> {
  const { list, single } = listInputs(body.inputs);
  return inferJson({ texts: list.length, single }, call, () => embedInputs(body, call));
}

/** `/embed` without its HTTP. */
export async function embedInputs(body: EmbedBody, { services, signal }: Call): Promise<Inferred<number[][]>> {
  const options = { ...readOptions(body), normalize: body.normalize, dimensions: body.dimensions ?? undefined };
  const { vectors, stats } = await services.embedder.embed(listInputs(body.inputs).list, options, signal);
  return { body: vectors.map((vector) => Array.from(vector)), stats };
}

async function embedAll(body: schemas.EmbedAllRequest, call: Call): Promise<Response> {
  const { list, single } = listInputs(body.inputs);
  const request = { texts: list.length, single };
  const {
    body: matrices,
    stats,
    totalMs,
  } = await infer(request, call, async () => {
    const result = await call.services.embedder.embedAll(list, readOptions(body), call.signal);
    return { body: result.vectors, stats: result.stats };
  });
  const headers = { "content-type": "application/json", ...timingHeaders(call, stats, totalMs) };
  return new Response(jsonOfMatrices(matrices), { headers });
}

function similarity({ inputs, parameters }: schemas.SimilarityRequest, call: Call): Promise<Response> {
  const { source_sentence: source, sentences } = inputs;
  if (sentences.length === 0) throw emptyList("inputs.sentences");
  const options = parameters ? readOptions(parameters) : {};
  return inferJson({ texts: sentences.length + 1 }, call, async () => {
    const { embedder } = call.services;
    const { vectors, stats } = await embedder.embed([source, ...sentences], options, call.signal);
    const [first = new Float32Array(), ...others] = vectors;
    return { body: others.map((other) => dot(first, other)), stats };
  });
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

export const EMBED_ROUTES: readonly Route[] = [
  post({
    path: "/embed",
    family: "tei",
    summary: "One vector per text",
    body: schemas.embedRequest,
    response: schemas.embedResponse,
    answer: embed,
  }),
  post({
    path: "/embed_all",
    family: "tei",
    summary: "One vector per token of every text, not pooled",
    body: schemas.embedAllRequest,
    response: schemas.embedAllResponse,
    answer: embedAll,
  }),
  post({
    path: "/embed_sparse",
    family: "tei",
    summary: "Sparse vectors, which Qwen3 models do not have",
    body: schemas.embedSparseRequest,
    response: schemas.embedSparseResponse,
    answer: async () => {
      throw wrongModel("Model is not an embedding model with SPLADE pooling");
    },
  }),
  post({
    path: "/similarity",
    family: "tei",
    summary: "Cosine of a text with each of several others",
    body: schemas.similarityRequest,
    response: schemas.similarityResponse,
    answer: similarity,
  }),
];
