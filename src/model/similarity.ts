/** As in sentence-transformers; the two distances are negated, so that more is always more alike. */
export type SimilarityFunction = "cosine" | "dot" | "euclidean" | "manhattan";

type Vector = ArrayLike<number>;

/** Every vector of `a` against every vector of `b`. @returns [a.length][b.length] */
export function similarityMatrix(a: readonly Vector[], b: readonly Vector[], name: SimilarityFunction): number[][] {
  const compare = FUNCTIONS[name];
  return a.map((x) => b.map((y) => compare(x, y)));
}

const FUNCTIONS: Readonly<Record<SimilarityFunction, (a: Vector, b: Vector) => number>> = {
  cosine: (a, b) => dot(a, b) / Math.max(Math.sqrt(dot(a, a) * dot(b, b)), Number.MIN_VALUE),
  dot,
  euclidean: (a, b) => -Math.sqrt(sum(a, (x, i) => (x - (b[i] ?? 0)) ** 2)),
  manhattan: (a, b) => -sum(a, (x, i) => Math.abs(x - (b[i] ?? 0))),
};

function dot(a: Vector, b: Vector): number {
  return sum(a, (x, i) => x * (b[i] ?? 0));
}

function sum(a: Vector, term: (x: number, i: number) => number): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += term(a[i] ?? 0, i);
  return total;
}
