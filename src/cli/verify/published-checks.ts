import type { EmbeddingModel } from "../../index.ts";
import { CARD_DOCUMENTS, CARD_QUERIES } from "../card-example.ts";
import { type Check, largestDifference, within } from "./check.ts";
import { type Published, publishedFor } from "./published.ts";

/** The model against what others published for it. */
export async function publishedChecks(model: EmbeddingModel): Promise<Check[]> {
  const published = publishedFor(model.name);
  if (!published) {
    return [{ name: "published values", status: "not applicable", detail: `none are known for '${model.name}'` }];
  }
  return [...(await matrixChecks(model, published)), ...(await vectorChecks(model, published))];
}

async function matrixChecks(model: EmbeddingModel, { matrices }: Published): Promise<Check[]> {
  const queries = await model.encodeQuery(CARD_QUERIES);
  const documents = await model.encodeDocument(CARD_DOCUMENTS);
  const similarities = model.similarity(queries, documents).flat();
  return matrices.map(({ engine, matrix, tolerance }) => {
    return within("card's similarities", largestDifference(similarities, matrix.flat()), tolerance, engine);
  });
}

async function vectorChecks(model: EmbeddingModel, { vector }: Published): Promise<Check[]> {
  if (!vector) return [];
  const { text, start, engine, tolerance } = vector;
  const actual = await model.encode(text, { normalize: false });
  return [within(`vector of ${JSON.stringify(text)}`, largestDifference(actual, start), tolerance, engine)];
}
