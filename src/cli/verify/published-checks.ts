import { EmbeddingModel, RerankerModel } from "../../index.ts";
import { CARD_DOCUMENTS, CARD_QUERIES } from "../card-example.ts";
import { type Check, largestDifference, within } from "./check.ts";
import { type Published, publishedFor } from "./published.ts";
import type { Subject } from "./subject.ts";

/** Eight bits move similarities and probabilities by up to about this. */
const INT8_TOLERANCE = 0.03;
/** And an unnormalised vector's values by this share of their largest. */
const INT8_SHARE = 0.1;

/** The model against what others published for it. */
export async function publishedChecks({ model, int8 }: Subject): Promise<Check[]> {
  const published = publishedFor(model.name);
  const checks: Check[] = [];
  if (published && model instanceof EmbeddingModel) {
    checks.push(...(await matrixChecks(model, published, int8)), ...(await vectorChecks(model, published, int8)));
  } else if (published && model instanceof RerankerModel) checks.push(...(await scoreChecks(model, published, int8)));
  if (checks.length > 0) return checks;
  return [{ name: "published values", status: "not applicable", detail: `none are known for '${model.name}'` }];
}

async function matrixChecks(model: EmbeddingModel, { matrices = [] }: Published, int8: boolean): Promise<Check[]> {
  const queries = await model.encodeQuery(CARD_QUERIES);
  const documents = await model.encodeDocument(CARD_DOCUMENTS);
  const similarities = model.similarity(queries, documents).flat();
  return matrices.map(({ engine, matrix, tolerance }) => {
    const allowed = int8 ? INT8_TOLERANCE : tolerance;
    return within("card's similarities", largestDifference(similarities, matrix.flat()), allowed, engine);
  });
}

async function vectorChecks(model: EmbeddingModel, { vector }: Published, int8: boolean): Promise<Check[]> {
  if (!vector) return [];
  const { text, start, engine, tolerance } = vector;
  const allowed = int8 ? INT8_SHARE * Math.max(...start.map(Math.abs)) : tolerance;
  const actual = await model.encode(text, { normalize: false });
  return [within(`vector of ${JSON.stringify(text)}`, largestDifference(actual, start), allowed, engine)];
}

async function scoreChecks(model: RerankerModel, { scores = [] }: Published, int8: boolean): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { engine, query, document, score, tolerance } of scores) {
    const actual = await model.score([[query, document]]);
    const allowed = int8 ? INT8_TOLERANCE : tolerance;
    checks.push(within(`P(yes) of ${JSON.stringify(query)}`, largestDifference(actual, [score]), allowed, engine));
  }
  return checks;
}
