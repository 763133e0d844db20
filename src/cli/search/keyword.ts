import MiniSearch from "minisearch";
import type { Passage } from "./passage.ts";
import { wordsText } from "./searched-text.ts";
import { queryTermsOf, termsOf } from "./terms.ts";

/** BM25 over passages by the words they hold, the titles above them and their path. */
export class KeywordIndex {
  readonly #index: MiniSearch;

  constructor(passages: readonly Passage[]) {
    this.#index = new MiniSearch({
      fields: ["text", "headings", "path"],
      tokenize: termsOf,
      processTerm: (term) => term,
    });
    this.#index.addAll(
      passages.map((passage, id) => {
        return { id, text: wordsText(passage), headings: passage.headings.join(" "), path: passage.path };
      }),
    );
  }

  /** Passages that hold at least one of the words, best first. */
  search(query: string): { readonly index: number; readonly score: number }[] {
    const found = this.#index.search(query, {
      tokenize: queryTermsOf,
      processTerm: (term) => term,
      // "pack" should find "packed"; a prefix counts less the more is missing.
      prefix: (term) => term.length > 3,
      boost: { headings: 1.5, path: 0.5 },
      weights: { prefix: 0.4, fuzzy: 0 },
    });
    return found.map(({ id, score }) => ({ index: id as number, score }));
  }
}
