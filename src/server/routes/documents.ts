/** Reranking as Cohere's and Jina's clients ask for it, and scoring as vLLM's do. */
import { randomUUID } from "node:crypto";
import { emptyList, invalidInput } from "../errors.ts";
import { inferJson } from "../infer.ts";
import { noteModelName } from "../model-name.ts";
import { type Call, post, type Route } from "../route.ts";
import * as schemas from "../schemas/others.ts";
import type { Pair } from "../text-reader.ts";
import { bestFirst } from "./rerank.ts";

type DocumentsBody = schemas.RerankDocumentsRequest;
type ScoreBody = schemas.ScoreRequest;

function rerankDocuments(body: DocumentsBody, call: Call): Promise<Response> {
  const { services, signal } = call;
  const { query, top_n: most, return_documents: returnDocuments, instruction } = body;
  const texts = body.documents.map((document) => (typeof document === "string" ? document : document.text));
  if (texts.length === 0) throw emptyList("documents");
  return inferJson({ texts: texts.length }, call, async () => {
    const { scorer, rerankerName } = services;
    noteModelName(body.model, rerankerName, call);
    const pairs = texts.map((text) => ({ query, text }));
    const { scores, stats } = await scorer.score(pairs, { instruction: instruction ?? undefined }, signal);
    const results = bestFirst(scores)
      .slice(0, most ?? undefined)
      .map(({ index, score }) => ({
        index,
        relevance_score: score,
        document: returnDocuments === true ? { text: texts[index] ?? "" } : undefined,
      }));
    return { body: { id: randomUUID(), model: rerankerName.served, results, usage: usage(stats.tokens) }, stats };
  });
}

function scorePairs(body: ScoreBody, call: Call): Promise<Response> {
  const { services, signal } = call;
  const pairs = pairUp(list(body.text_1), list(body.text_2));
  return inferJson({ texts: pairs.length }, call, async () => {
    const { scorer, rerankerName } = services;
    noteModelName(body.model, rerankerName, call);
    const { scores, stats } = await scorer.score(pairs, { instruction: body.instruction ?? undefined }, signal);
    return {
      body: {
        id: `score-${randomUUID()}`,
        object: "list",
        created: Math.floor(Date.now() / 1000),
        model: rerankerName.served,
        data: scores.map((value, index) => ({ index, object: "score", score: value })),
        usage: usage(stats.tokens),
      },
      stats,
    };
  });
}

function list(texts: string | readonly string[]): readonly string[] {
  return typeof texts === "string" ? [texts] : texts;
}

/** One with each of several, or each with its counterpart. */
function pairUp(first: readonly string[], second: readonly string[]): Pair[] {
  if (first.length === 0) throw emptyList("text_1");
  if (second.length === 0) throw emptyList("text_2");
  if (first.length !== 1 && first.length !== second.length) {
    throw invalidInput(
      `\`text_1\` has ${first.length} texts and \`text_2\` ${second.length}; they must have as many, or \`text_1\` one`,
    );
  }
  return second.map((text, i) => ({ query: (first.length === 1 ? first[0] : first[i]) ?? "", text }));
}

function usage(tokens: number): { readonly prompt_tokens: number; readonly total_tokens: number } {
  return { prompt_tokens: tokens, total_tokens: tokens };
}

export const DOCUMENT_ROUTES: readonly Route[] = [
  post({
    path: "/v1/rerank",
    aliases: ["/v2/rerank"],
    family: "cohere",
    summary: "Documents by how well they answer a query, as Cohere's and Jina's APIs give them",
    body: schemas.rerankDocumentsRequest,
    response: schemas.rerankDocumentsResponse,
    answer: rerankDocuments,
  }),
  post({
    path: "/score",
    aliases: ["/v1/score"],
    family: "openai",
    summary: "Scores of pairs, as vLLM gives them",
    body: schemas.scoreRequest,
    response: schemas.scoreResponse,
    answer: scorePairs,
  }),
];
