import { emptyList, invalidInput } from "../errors.ts";
import { type Inferred, inferJson } from "../infer.ts";
import { type Call, post, type Route } from "../route.ts";
import * as schemas from "../schemas/tei.ts";
import type { Pair } from "../text-reader.ts";
import { readOptions } from "./embed.ts";

type RerankBody = schemas.RerankRequest;
type PredictBody = schemas.PredictRequest;

/** A reranker's only label, as converted checkpoints name it. */
export const LABEL = "LABEL_0";

interface Rank {
  readonly index: number;
  readonly text: string | undefined;
  readonly score: number;
}

interface Prediction {
  readonly score: number;
  readonly label: string;
}

export function rerank(body: RerankBody, call: Call): Promise<Response> {
  checkTexts(body);
  return inferJson({ texts: body.texts.length }, call, () => rankTexts(body, call));
}

function checkTexts({ texts }: RerankBody): void {
  if (texts.length === 0) throw emptyList("texts");
}

/** `/rerank` without its HTTP. */
export async function rankTexts(body: RerankBody, { services, signal }: Call): Promise<Inferred<Rank[]>> {
  const { query, texts, instruction, raw_scores: rawScores } = body;
  const pairs = texts.map((text) => ({ query, text }));
  const options = { ...readOptions(body), rawScores, instruction: instruction ?? undefined };
  const { scores, stats } = await services.scorer.score(pairs, options, signal);
  const ranks = bestFirst(scores).map(({ index, score }) => ({
    index,
    text: body.return_text ? texts[index] : undefined,
    score,
  }));
  return { body: ranks, stats };
}

/** Scores with their places, highest first; equal ones in the order given. */
export function bestFirst(scores: readonly number[]): { readonly index: number; readonly score: number }[] {
  return scores.map((score, index) => ({ index, score })).toSorted((a, b) => b.score - a.score || a.index - b.index);
}

function predict(body: PredictBody, call: Call): Promise<Response> {
  const { pairs, single } = listPairs(body.inputs);
  return inferJson({ texts: pairs.length, single }, call, () => predictPairs(body, call));
}

/** `/predict` without its HTTP. */
export async function predictPairs(
  body: PredictBody,
  { services, signal }: Call,
): Promise<Inferred<Prediction[] | Prediction[][]>> {
  const { scorer } = services;
  const { pairs, single } = listPairs(body.inputs);
  const options = { ...readOptions(body), rawScores: body.raw_scores };
  const { scores, stats } = await scorer.score(pairs.map(checkPair), options, signal);
  const predictions = scores.map((score) => [{ score, label: LABEL }]);
  const [first = []] = predictions;
  return { body: single ? first : predictions, stats };
}

function listPairs(inputs: schemas.PredictInput): {
  readonly pairs: readonly (readonly string[])[];
  readonly single: boolean;
} {
  if (typeof inputs === "string") return { pairs: [[inputs]], single: true };
  if (isSequence(inputs)) return { pairs: [inputs], single: true };
  return { pairs: inputs, single: false };
}

function isSequence(inputs: readonly string[] | readonly (readonly string[])[]): inputs is readonly string[] {
  return typeof inputs[0] === "string";
}

function checkPair([query, text]: readonly string[]): Pair {
  if (query === undefined || text === undefined) {
    throw invalidInput("a re-ranker judges pairs; `inputs` must be [query, text] or a list of such pairs");
  }
  return { query, text };
}

export const RERANK_ROUTES: readonly Route[] = [
  post({
    path: "/rerank",
    family: "tei",
    summary: "Texts by how well they answer a query, best first",
    body: schemas.rerankRequest,
    response: schemas.rerankResponse,
    answer: rerank,
  }),
  post({
    path: "/predict",
    family: "tei",
    summary: "Scores of pairs, in the order given",
    body: schemas.predictRequest,
    response: schemas.predictResponse,
    answer: predict,
  }),
];
