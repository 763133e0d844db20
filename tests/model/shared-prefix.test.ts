import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { groupByPrefix } from "../../src/model/shared-prefix.ts";

const ids = (...values: number[]): Uint32Array => Uint32Array.from(values);

describe("groupByPrefix", () => {
  it("gives a query's documents what they have in common, and lone pairs what those have", () => {
    const sequences = [ids(1, 2, 3, 4), ids(1, 2, 3, 5, 6), ids(1, 9, 9), ids(1, 2, 7, 8), ids(1, 9, 8)];
    assert.deepEqual(groupByPrefix(sequences, ["a", "a", "b", "c", "d"]), [
      { prefix: ids(1, 2, 3), members: [0, 1] },
      { prefix: ids(1), members: [2, 3, 4] },
    ]);
  });

  it("leaves every sequence a token of its own", () => {
    assert.deepEqual(groupByPrefix([ids(1, 2), ids(1, 2, 3)], ["a", "a"]), [{ prefix: ids(1), members: [0, 1] }]);
    assert.deepEqual(groupByPrefix([ids(1, 2)], ["a"]), [{ prefix: ids(), members: [0] }]);
    assert.deepEqual(groupByPrefix([], []), []);
  });

  it("puts every sequence into one group that begins as it does", () => {
    const sequence = fc.array(fc.nat(2), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(sequence, fc.constantFrom("a", "b", "c", "d"))), (rows) => {
        const sequences = rows.map(([values]) => Uint32Array.from(values));
        const groups = groupByPrefix(
          sequences,
          rows.map(([, key]) => key),
        );
        const members = groups.flatMap((group) => group.members).toSorted((a, b) => a - b);
        assert.deepEqual(members, [...sequences.keys()]);
        for (const { prefix, members: indices } of groups) {
          for (const index of indices) {
            const { length } = sequences[index] ?? [];
            assert.ok(length !== undefined && prefix.length < length);
            assert.deepEqual(sequences[index]?.subarray(0, prefix.length), prefix);
          }
        }
      }),
    );
  });
});
