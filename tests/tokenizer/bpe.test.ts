import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BpeHeap } from "../../src/tokenizer/bpe-heap.ts";
import { BpeScan, LONGEST_SCAN } from "../../src/tokenizer/bpe-scan.ts";
import { Bpe } from "../../src/tokenizer/bpe.ts";
import { tablesFromJson } from "../../src/tokenizer/token-tables.ts";
import { plainBpe } from "./plain-tokenizer.ts";
import { toyJson } from "./toy.ts";

/** Merges over few letters, so that tokens grow long and overlap in every way. */
const merges = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 }).map((choices) => {
  const tokens = ["a", "b", "c"];
  const pairs: [string, string][] = [];
  for (const [left, right] of choices) {
    const pair: [string, string] = [tokens[left % tokens.length] ?? "a", tokens[right % tokens.length] ?? "a"];
    const joined = pair.join("");
    if (joined.length > 40 || pairs.some((other) => other.join(" ") === pair.join(" "))) continue;
    pairs.push(pair);
    if (!tokens.includes(joined)) tokens.push(joined);
  }
  return pairs;
});

function words(maxLength: number): fc.Arbitrary<string> {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c", "d"), minLength: 1, maxLength });
  const repeated = fc
    .tuple(
      fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: maxLength }),
    )
    .map(([unit, length]) => unit.repeat(length).slice(0, length));
  return fc.oneof(letters, repeated);
}

interface Encoder {
  encode(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): number;
}

/** The three ways to encode a word, made from the same merges, and the definition. */
function encoders(pairs: readonly (readonly [string, string])[]): Record<"bpe" | "scan" | "heap", Encoder> & {
  readonly plain: (bytes: Uint8Array) => number[];
} {
  const json = toyJson({ merges: pairs });
  const tables = tablesFromJson(json, "toy");
  const byteIds = tables.byteIds("toy");
  const { vocab } = json.model;
  const ranks = new Map(
    pairs.map(([left, right], rank) => [`${vocab[left]} ${vocab[right]}`, [rank, vocab[left + right] ?? -1] as const]),
  );
  return {
    bpe: new Bpe(tables.vocabulary, tables.merges, byteIds),
    scan: new BpeScan(tables.merges, byteIds),
    heap: new BpeHeap(tables.merges, byteIds),
    plain: (bytes) => plainBpe(bytes, [...byteIds], ranks),
  };
}

function encode(encoder: Encoder, bytes: Uint8Array): number[] {
  const into = new Uint32Array(bytes.length + 3);
  return [...into.subarray(3, encoder.encode(bytes, 0, bytes.length, into, 3))];
}

describe("byte-pair encoding", () => {
  it("is its definition, by scanning and by heap", () => {
    fc.assert(
      fc.property(merges, words(LONGEST_SCAN), (pairs, word) => {
        const bytes = Buffer.from(word);
        const { scan, heap, plain } = encoders(pairs);
        const expected = plain(bytes);
        assert.deepEqual(encode(scan, bytes), expected);
        assert.deepEqual(encode(heap, bytes), expected);
      }),
      { numRuns: 150 },
    );
  });

  it("is its definition in overlapping stretches too", () => {
    fc.assert(
      fc.property(merges, words(1500), (pairs, word) => {
        const bytes = Buffer.from(word);
        const { bpe, plain } = encoders(pairs);
        assert.deepEqual(encode(bpe, bytes), plain(bytes));
      }),
      { numRuns: 150 },
    );
  });

  it("finds no cut where the whole word hangs together", () => {
    // Joining goes from right to left through the whole word, so that its first token depends on its last letter.
    const pairs: [string, string][] = [["b", "c"]];
    for (let length = 2; length < 600; length++) pairs.push(["b", `${"b".repeat(length - 1)}c`]);
    const { bpe } = encoders(pairs);
    assert.equal(encode(bpe, Buffer.from(`${"b".repeat(599)}c`)).length, 1);
    assert.equal(encode(bpe, Buffer.from("b".repeat(600))).length, 600);
    assert.equal(encode(bpe, Buffer.from(`${"b".repeat(700)}c`)).length, 102);
  });

  it("leaves alone what is beside the word", () => {
    const { bpe } = encoders([
      ["a", "b"],
      ["ab", "c"],
    ]);
    const into = new Uint32Array(8).fill(7);
    const end = bpe.encode(Buffer.from("xabcx"), 1, 4, into, 2);
    assert.deepEqual([end, ...into], [3, 7, 7, 257, 7, 7, 7, 7, 7]);
  });
});
