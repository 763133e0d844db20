type Pair = readonly [query: string, document: string];

/** Equal pairs are computed once. */
export class UniquePairs {
  readonly pairs: readonly Pair[];
  /** Where each of them stands in the list given. */
  readonly places: readonly (readonly number[])[];

  constructor(pairs: readonly Pair[]) {
    const byQuery = new Map<string, Map<string, number[]>>();
    for (const [i, [query, document]] of pairs.entries()) {
      const byDocument = byQuery.get(query) ?? new Map<string, number[]>();
      byQuery.set(query, byDocument);
      const places = byDocument.get(document);
      if (places) places.push(i);
      else byDocument.set(document, [i]);
    }
    const unique: { readonly pair: Pair; readonly places: readonly number[] }[] = [];
    for (const [query, byDocument] of byQuery) {
      for (const [document, places] of byDocument) unique.push({ pair: [query, document], places });
    }
    this.pairs = unique.map(({ pair }) => pair);
    this.places = unique.map(({ places }) => places);
  }
}
