import type { RerankerModel } from "../../index.ts";
import type { OnProgress } from "../../model/progress.ts";
import type { DistinctPassage } from "./distinct.ts";
import type { Hit, Ranked, RankedPassage } from "./rank.ts";

/** Passages that each list may send to the reranker. */
const CANDIDATES = 20;
/**
 * What a cosine of 1 is worth against the reranker's logit. Measured for the bundled models (their cards): for questions
 * like a dictionary's it helps to rerank the candidates of both lists, for documentation to add the cosine.
 */
const COSINE_WEIGHT = 5;

export interface RerankRun {
  /** Only with a list of vectors are cosines added. */
  readonly lists: { readonly vector?: readonly Hit[]; readonly keyword?: readonly Hit[] };
  /** At least this many of each list. */
  readonly top: number;
  readonly instruction?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** Orders the best passages of all lists by the reranker's logit plus the cosine. */
export async function rerankPassages(
  model: RerankerModel,
  query: string,
  passages: readonly DistinctPassage[],
  { lists, top, instruction, signal, onProgress }: RerankRun,
): Promise<RankedPassage[]> {
  const candidates = union([lists.vector, lists.keyword], Math.max(CANDIDATES, top));
  const documents = candidates.map((index) => passages[index]?.embedded ?? "");
  const judged = await model.rank(query, documents, { instruction, signal, onProgress });
  const vector = ranks(lists.vector);
  const keyword = ranks(lists.keyword);
  const ranked: RankedPassage[] = [];
  for (const [i, { index: place, score }] of judged.entries()) {
    const index = candidates[place] ?? 0;
    const foundBy = { vector: vector.get(index), keyword: keyword.get(index) };
    const sum = logit(score) + COSINE_WEIGHT * (foundBy.vector?.score ?? 0);
    ranked.push({ index, score: sum, reranker: { rank: i + 1, score }, ...foundBy });
  }
  return ranked.sort((a, b) => b.score - a.score || a.index - b.index);
}

/** The first of each list, without repetition. */
function union(lists: readonly (readonly Hit[] | undefined)[], most: number): number[] {
  const first = lists.flatMap((list = []) => list.slice(0, most));
  return [...new Set(first.map(({ index }) => index))];
}

function ranks(list: readonly Hit[] = []): Map<number, Ranked> {
  return new Map(list.map(({ index, score }, i) => [index, { rank: i + 1, score }]));
}

/** The difference of logits that a probability came from. */
function logit(probability: number): number {
  const p = Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON);
  return Math.log(p / (1 - p));
}
