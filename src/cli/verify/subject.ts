import type { EmbeddingModel, RerankerModel } from "../../index.ts";

/** What a model is for. */
export type Role = "embedding" | "reranker" | "causal";

/** A model under test, whatever it makes of a text. */
export interface Subject<Model = EmbeddingModel | RerankerModel> {
  readonly model: Model;
  readonly role: Role;
  /** Weights in eight bits are another model by a little, so published values hold less closely. */
  readonly int8: boolean;
  /** The numbers of each text: its vector, or P(yes) of it as an answer to one query. */
  compute(texts: readonly string[], maxLength?: number): Promise<ArrayLike<number>[]>;
  /** How far a text's numbers are from what any must be: a vector's length from 1, a probability from 0 to 1. */
  unsoundness(numbers: ArrayLike<number>): number;
  /** What they must be, in words. */
  readonly soundness: string;
}

const QUERY = "What does gravity do?";

/** @param role a plain language model is tried as an embedding model: its last hidden states tell as much */
export function embeddingSubject(
  model: EmbeddingModel,
  { role, int8 }: Pick<Subject, "role" | "int8">,
): Subject<EmbeddingModel> {
  return {
    model,
    role,
    int8,
    compute: (texts, maxLength) => model.encode(texts, { maxLength }),
    unsoundness: (vector) => Math.abs(Math.hypot(...Array.from(vector)) - 1),
    soundness: "length 1",
  };
}

export function rerankerSubject(model: RerankerModel, { int8 }: Pick<Subject, "int8">): Subject<RerankerModel> {
  return {
    model,
    role: "reranker",
    int8,
    async compute(texts, maxLength) {
      const scores = await model.score(
        texts.map((text) => [QUERY, text] as const),
        { maxLength },
      );
      return Array.from(scores, (score) => [score]);
    },
    unsoundness({ 0: score = Number.NaN }) {
      return Math.max(0, -score, score - 1);
    },
    soundness: "P(yes) between 0 and 1",
  };
}
