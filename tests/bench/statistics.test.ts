import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { markdownTable } from "../../bench/report.ts";
import { cosine, interleave, median } from "../../bench/statistics.ts";

describe("bench statistics", () => {
  it("take the middle value", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it("let contenders take turns, there and back", async () => {
    const order: string[] = [];
    const results = await interleave(["a", "b"], 3, async (contender, round) => {
      order.push(contender);
      return round;
    });
    assert.deepEqual(order, ["a", "b", "b", "a", "a", "b"]);
    assert.deepEqual(results.get("b"), [0, 1, 2]);
  });

  it("compare directions", () => {
    assert.equal(cosine(Float32Array.of(1, 0), Float32Array.of(0, 2)), 0);
    assert.equal(cosine(Float32Array.of(1, 2, 2), Float32Array.of(2, 4, 4)), 1);
    assert.ok(Number.isNaN(cosine(Float32Array.of(1, 2), Float32Array.of(1))));
  });

  it("print tables with numbers on the right", () => {
    const rows = [
      { name: "a", ms: 1234.5 },
      { name: "bcde", ms: 0.012345 },
      { name: "none", ms: null },
    ];
    const expected = [
      "| name |     ms |",
      "| ---- | -----: |",
      "| a    |  1,235 |",
      "| bcde | 0.0123 |",
      "| none |      – |",
    ].join("\n");
    assert.equal(markdownTable(rows), expected);
  });
});
