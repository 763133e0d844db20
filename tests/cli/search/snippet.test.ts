import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { snippetOf } from "../../../src/cli/search/snippet.ts";

function snippet(text: string, query: readonly string[], headings: readonly string[] = []): [number, ...string[]] {
  const passage = { path: "a", headings, startLine: 10, endLine: 10 + text.split("\n").length - 1, start: 0, text };
  const { line, lines } = snippetOf(passage, new Set(query));
  return [line, ...lines];
}

describe("snippetOf", () => {
  it("begins at the line from which most of the words are near", () => {
    assert.deepEqual(snippet("one\ntwo red\nthree\nfour red\nblue five\nsix", ["red", "blue"]), [
      13,
      "four red",
      "blue five",
      "six",
    ]);
  });

  it("begins with the first text where no word occurs, and below the titles", () => {
    assert.deepEqual(snippet("# Title\n\nText\n", ["nothing"], ["Title"]), [12, "Text"]);
    assert.deepEqual(snippet("# Red\n\nText\n", ["red"], ["Red"]), [12, "Text"]);
    assert.deepEqual(snippet("# include red\nText", ["red"]), [10, "# include red", "Text"]);
  });

  it("takes the common indentation off and cuts long lines around the word", () => {
    assert.deepEqual(snippet("    if (red) {\n      blue();", ["red"]), [10, "if (red) {", "  blue();"]);
    const [, line = ""] = snippet(`${"word ".repeat(100)}red ${"word ".repeat(100)}`, ["red"]);
    assert.match(line, /^….*\bred\b.*…$/);
    assert.ok(line.length <= 170);
  });
});
