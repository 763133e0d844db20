import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeywordIndex } from "../../../src/cli/search/keyword.ts";
import type { Passage } from "../../../src/cli/search/passage.ts";
import { joinByRank, vectorHits } from "../../../src/cli/search/rank.ts";

function passage(path: string, text: string, headings: readonly string[] = []): Passage {
  return { path, headings, text, start: 0, startLine: 1, endLine: 1 };
}

describe("vectorHits", () => {
  it("sorts rows by their cosine with the query, the first of equals first", () => {
    const hits = vectorHits(Float32Array.of(1, 0), Float32Array.of(0, 1, 1, 0, 0.6, 0.8, 0.6, -0.8));
    assert.deepEqual(
      hits.map(({ index }) => index),
      [1, 2, 3, 0],
    );
    assert.equal(hits[0]?.score, 1);
  });
});

describe("joinByRank", () => {
  it("gives 1 to what is first in both lists and half to what is first in one", () => {
    const [best, second, third] = joinByRank({
      vector: [7, 3].map((index) => ({ index, score: 0.9 })),
      keyword: [7, 5].map((index) => ({ index, score: 12 })),
    });
    assert.deepEqual(best, { index: 7, score: 1, vector: { rank: 1, score: 0.9 }, keyword: { rank: 1, score: 12 } });
    assert.equal(second?.index, 3);
    assert.equal(second?.score, third?.score);
    assert.ok(Math.abs((second?.score ?? 0) - 11 / 12 / 2) < 1e-12);
  });

  it("prefers what both lists have in the middle to what only one has at the top", () => {
    const vector = [1, 2, 3].map((index) => ({ index, score: 0 }));
    const keyword = [4, 5, 3].map((index) => ({ index, score: 0 }));
    assert.equal(joinByRank({ vector, keyword })[0]?.index, 3);
  });

  it("keeps the order of a list that is alone", () => {
    const ranked = joinByRank({ keyword: [4, 2, 9].map((index) => ({ index, score: 1 })) });
    assert.deepEqual(
      ranked.map(({ index }) => index),
      [4, 2, 9],
    );
    assert.equal(ranked[0]?.score, 1);
  });
});

describe("KeywordIndex", () => {
  const index = new KeywordIndex([
    passage("docs/a.md", "Batches are packed without padding."),
    passage("docs/b.md", "The tokenizer splits text into pieces."),
    passage("src/packed-batch.ts", "export function pack(ids) {}"),
    passage("docs/c.md", "Nothing here.", ["Padding"]),
  ]);
  const found = (query: string): string[] =>
    index.search(query).map(({ index: at }) => ["a", "b", "pack", "c"][at] ?? "");

  it("ranks the passage with more of the words first", () => {
    assert.equal(found("how are batches packed")[0], "a");
  });

  it("finds longer forms of a word, titles and paths", () => {
    assert.deepEqual(found("tokenize"), ["b"]);
    assert.deepEqual(found("padding").toSorted(), ["a", "c"]);
    assert.ok(found("batch").includes("pack"));
  });

  it("finds nothing where no word occurs", () => {
    assert.deepEqual(found("zebra"), []);
  });
});
