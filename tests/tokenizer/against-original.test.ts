/** Beside the goldens: the original itself (npm `tokenizers`, a devDependency) on texts and tokenizers made up here. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Tokenizer as Original } from "tokenizers";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import { inCodePoints, QWEN3_PATH } from "./goldens.ts";
import { awkwardTexts } from "./texts.ts";
import { toyJson } from "./toy.ts";

async function assertSame(ours: Tokenizer, original: Original, text: string): Promise<void> {
  const expected = await original.encode(text, null, { addSpecialTokens: false });
  const { ids, offsets = new Uint32Array() } = ours.encode(text, { addSpecialTokens: false, offsets: true });
  assert.deepEqual([...ids], expected.getIds(), JSON.stringify(text));
  assert.deepEqual(inCodePoints(text, offsets), expected.getOffsets(), JSON.stringify(text));
  assert.equal(ours.decode(ids), await original.decode(expected.getIds(), false), JSON.stringify(text));
  assert.equal(
    ours.decode(ids, { skipSpecialTokens: true }),
    await original.decode(expected.getIds(), true),
    JSON.stringify(text),
  );
}

describe("Tokenizer against the original", () => {
  it("gives the same ids, offsets and text for Qwen3", async () => {
    const text = readFileSync(QWEN3_PATH, "utf8");
    const ours = Tokenizer.fromJSON(JSON.parse(text));
    const original = Original.fromString(text);
    await fc.assert(
      fc.asyncProperty(awkwardTexts, (sample) => assertSame(ours, original, sample)),
      { numRuns: 1500 },
    );
  });

  const flags = ["special", "lstrip", "rstrip", "single_word", "normalized"] as const;
  const contents = ["<x>", "<x>>", "x", "xx", "é", " y", "<", "long token", "ß"];
  const addedTokens = fc.uniqueArray(
    fc.record({
      content: fc.constantFrom(...contents),
      special: fc.boolean(),
      lstrip: fc.boolean(),
      rstrip: fc.boolean(),
      single_word: fc.boolean(),
      normalized: fc.boolean(),
    } satisfies Record<(typeof flags)[number] | "content", fc.Arbitrary<unknown>>),
    { selector: ({ content }) => content, minLength: 1, maxLength: 4 },
  );
  const pieces = [
    "<x>",
    ">",
    "x",
    "é",
    "e\u0301",
    " ",
    "  ",
    "\n",
    "y",
    "long token",
    "ß",
    "_",
    "中",
    "a",
    "1",
    ".",
    "\u0301",
  ];
  const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => parts.join(""));

  it("gives white space to the token that swallows it and to the one that begins with it", async () => {
    for (const lstrip of [false, true]) {
      const addedToken = { content: " y", lstrip, rstrip: true, normalized: false };
      const json = toyJson({ addedTokens: [addedToken] });
      const original = Original.fromString(JSON.stringify(json));
      await assertSame(Tokenizer.fromJSON(json), original, "é y \u3000 yx y  y.");
    }
  });

  it("finds added tokens with every flag in the same places", async () => {
    await fc.assert(
      fc.asyncProperty(addedTokens, fc.array(texts, { minLength: 5, maxLength: 5 }), async (tokens, samples) => {
        const json = toyJson({ addedTokens: tokens });
        const ours = Tokenizer.fromJSON(json);
        const original = Original.fromString(JSON.stringify(json));
        for (const sample of samples) await assertSame(ours, original, sample);
      }),
      { numRuns: 150 },
    );
  });
});
