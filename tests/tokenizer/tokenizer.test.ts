import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import { MOST_GROWTH, Nfc } from "../../src/tokenizer/nfc.ts";
import { loadQwen3 } from "./goldens.ts";
import { awkwardTexts } from "./texts.ts";
import { toyJson } from "./toy.ts";

const base = loadQwen3("base");
const embedding = loadQwen3("embedding");
const EOS = 151643;
const ADDED = base.addedTokens.map(({ content }) => content);
const nfc = new Nfc();

function normalize(text: string): string {
  const bytes = Buffer.from(text);
  const normalized = new Uint8Array(MOST_GROWTH * bytes.length);
  return Buffer.from(normalized.subarray(0, nfc.write(bytes, 0, bytes.length, normalized))).toString();
}

describe("Tokenizer.encode", () => {
  it("is undone by decode up to NFC and unpaired surrogates", () => {
    const anything = fc.oneof(awkwardTexts, fc.string({ unit: "binary", maxLength: 60 }));
    fc.assert(
      fc.property(anything, (text) => {
        fc.pre(!ADDED.some((token) => text.includes(token)));
        const wellFormed = Buffer.from(text).toString();
        assert.equal(base.decode(base.encode(text).ids), normalize(wellFormed));
      }),
      { numRuns: 2000 },
    );
  });

  it("reads an unpaired surrogate as U+FFFD, one UTF-16 unit long", () => {
    for (const text of ["a\ud800b", "\udc00", "x\ud83d", "\udc00\ud800", "\ud800\ud83d\ude00"]) {
      const replaced = Buffer.from(text).toString();
      const found = base.encode(text, { offsets: true });
      assert.deepEqual(found, base.encode(replaced, { offsets: true }), JSON.stringify(text));
      assert.equal(replaced.length, text.length);
    }
  });

  it("gives the offsets of String.slice", () => {
    const text = "I'm 🙂 cafe\u0301s\n";
    const { ids, offsets = new Uint32Array() } = embedding.encode(text, { offsets: true });
    const slices = Array.from(ids, (_, i) => text.slice(offsets[2 * i], offsets[2 * i + 1]));
    assert.deepEqual(slices, ["I", "'m", " 🙂", " caf", "e\u0301s", "\n", ""]);
    assert.equal(ids.at(-1), EOS);
    assert.equal(embedding.encode(text).offsets, undefined);
  });

  it("cuts ids and offsets alike, and stops reading where it may", () => {
    fc.assert(
      fc.property(awkwardTexts, fc.nat(12), fc.constantFrom("left", "right"), (text, room, truncationSide) => {
        const full = base.encode(text, { offsets: true });
        const { ids, offsets } = embedding.encode(text, { maxLength: room + 1, truncationSide, offsets: true });
        const start = truncationSide === "left" ? Math.max(0, full.ids.length - room) : 0;
        const end = Math.min(full.ids.length, start + room);
        assert.deepEqual([...ids], [...full.ids.subarray(start, end), EOS]);
        assert.deepEqual([...(offsets ?? [])], [...(full.offsets ?? []).slice(2 * start, 2 * end), 0, 0]);
      }),
      { numRuns: 500 },
    );
  });

  it("returns arrays of its own", () => {
    const first = base.encode("one two three").ids;
    const copy = first.slice();
    base.encode("something else entirely, and longer than before");
    assert.deepEqual(first, copy);
    const [one, two] = base.encodeBatch(["one two three", "one two three"], { maxLength: 2 });
    assert.deepEqual(one, two);
    assert.notEqual(one?.ids.buffer, two?.ids.buffer);
  });

  it("gives the same for a text alone, after others, and after more words than it remembers", () => {
    const texts = ["The quick brown fox", "naïve Ünïcödé 世界 <|im_end|>", "x".repeat(5000)];
    const alone = texts.map((text) => loadQwen3("base").encode(text).ids);
    const words = Array.from({ length: 260_000 }, (_, i) => ` w${i.toString(36)}q`);
    const ids = base.encode(words.join("")).ids;
    assert.equal(base.decode(ids), words.join(""));
    assert.deepEqual(
      texts.map((text) => base.encode(text).ids),
      alone,
    );
    assert.deepEqual(
      base.encode(words.slice(0, 1000).join("")).ids,
      ids.slice(0, base.encode(words.slice(0, 1000).join("")).ids.length),
    );
  });

  it("encodes texts longer than its buffers", () => {
    const paragraph = "Ein Text über alles: naïve 世界, cafe\u0301 und 🙂!\n";
    const one = base.encode(paragraph).ids;
    const many = base.encode(paragraph.repeat(40_000)).ids;
    assert.equal(many.length, one.length * 40_000);
    for (let i = 0; i < many.length; i++) if (many[i] !== one[i % one.length]) assert.fail(`token ${i}`);
    assert.deepEqual(base.encode(paragraph).ids, one);
  });

  it("refuses what is no text and a maxLength that cannot hold the end token", () => {
    for (const text of [undefined, null, 5, ["a"], {}]) {
      assert.throws(() => base.encode(text as string), {
        code: "invalid-argument",
        message: /expected a string/,
      });
    }
    assert.throws(() => embedding.encode("a", { maxLength: 0 }), /maxLength 0 cannot hold the 1 special token/);
    for (const maxLength of [-1, 1.5, Number.NaN]) {
      assert.throws(() => base.encode("a", { maxLength }), /expected an integer of 0 or more/);
    }
  });
});

describe("Tokenizer.decode", () => {
  it("drops special tokens only if asked, and ids that are none always", () => {
    const ids = [...base.encode("<|im_start|>a<think>b<|im_end|>").ids, 151669, 4_000_000_000, -1];
    assert.equal(base.decode(ids), "<|im_start|>a<think>b<|im_end|>");
    assert.equal(base.decode(ids, { skipSpecialTokens: true }), "a<think>b");
    assert.equal(base.decode(new Uint32Array(0)), "");
    assert.equal(base.decode(base.encode("\ufeffa\ufeff").ids), "\ufeffa\ufeff");
  });
});

describe("DecodeStream", () => {
  it("never splits a character and adds up to decode", () => {
    fc.assert(
      fc.property(awkwardTexts, fc.boolean(), (text, skipSpecialTokens) => {
        const { ids } = base.encode(text);
        const stream = base.decodeStream({ skipSpecialTokens });
        const steps = Array.from(ids, (id) => stream.push(id));
        for (const step of steps) assert.equal(Buffer.from(step).toString(), step);
        assert.equal(steps.join("") + stream.flush(), base.decode(ids, { skipSpecialTokens }));
      }),
      { numRuns: 500 },
    );
  });

  it("gives broken characters as U+FFFD when it can no longer be otherwise", () => {
    const byte = (value: number): number => base.encode(Buffer.from([value]).toString("latin1")).ids[0] ?? -1;
    const token = (text: string): number => base.tokenToId(text) ?? -1;
    const stream = base.decodeStream();
    assert.equal(stream.push(token("ð")), "");
    assert.equal(stream.push(token("Ł")), "");
    assert.equal(stream.push(byte(0x61)), "\ufffda");
    assert.equal(stream.push(token("ð")), "");
    assert.equal(stream.flush(), "\ufffd");
    assert.equal(stream.flush(), "");
    assert.equal(stream.push(byte(0x62)), "b");
  });
});

describe("Tokenizer", () => {
  it("tells what it is made of", () => {
    assert.equal(base.vocabSize, 151669);
    assert.equal(base.tokenToId("<|im_end|>"), 151645);
    assert.equal(base.tokenToId("Ġhello"), base.encode(" hello").ids[0]);
    assert.equal(base.idToToken(151667), "<think>");
    assert.deepEqual(base.template, { prefix: [], suffix: [] });
    assert.deepEqual(embedding.template, { prefix: [], suffix: [EOS] });
    assert.ok(base.specialTokenIds.has(151643) && !base.specialTokenIds.has(151667));
    assert.equal(base.addedTokens.length, 26);
  });

  it("follows the file's own truncation unless told otherwise", () => {
    const truncation = { direction: "Left", max_length: 2, strategy: "LongestFirst", stride: 0 };
    const tokenizer = Tokenizer.fromJSON(toyJson({ fields: { truncation } }));
    assert.deepEqual([...tokenizer.encode("abcd").ids], [99, 100]);
    assert.deepEqual([...tokenizer.encode("abcd", { truncationSide: "right" }).ids], [97, 98]);
    assert.deepEqual([...tokenizer.encode("abcd", { maxLength: Number.POSITIVE_INFINITY }).ids], [97, 98, 99, 100]);
  });

  it("takes words that are tokens whole if the file says ignore_merges", () => {
    const json = toyJson({ merges: [["a", "b"]], model: {} });
    const vocab = { ...json.model.vocab, abc: 300 };
    const texts = ["abc", "abcabc"];
    const split = Tokenizer.fromJSON(toyJson({ model: { vocab, merges: [["a", "b"]] } }));
    const whole = Tokenizer.fromJSON(toyJson({ model: { vocab, merges: [["a", "b"]], ignore_merges: true } }));
    assert.deepEqual(
      texts.map((text) => [...split.encode(text).ids]),
      [
        [256, 99],
        [256, 99, 256, 99],
      ],
    );
    assert.deepEqual(
      texts.map((text) => [...whole.encode(text).ids]),
      [[300], [256, 99, 256, 99]],
    );
  });

  it("puts the template's tokens on both sides", () => {
    const single = [
      { SpecialToken: { id: "<s>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "</s>", type_id: 0 } },
    ];
    const special_tokens = {
      "<s>": { id: "<s>", ids: [256], tokens: ["<s>"] },
      "</s>": { id: "</s>", ids: [257, 10], tokens: ["</s>", "Ċ"] },
    };
    const post_processor = { type: "TemplateProcessing", single, pair: [], special_tokens };
    const addedTokens = [{ content: "<s>" }, { content: "</s>" }];
    const tokenizer = Tokenizer.fromJSON(toyJson({ addedTokens, fields: { post_processor } }));
    const { ids, offsets } = tokenizer.encode("ab", { offsets: true });
    assert.deepEqual([...ids], [256, 97, 98, 257, 10]);
    assert.deepEqual([...(offsets ?? [])], [0, 0, 0, 1, 1, 2, 0, 0, 0, 0]);
    assert.deepEqual([...tokenizer.encode("abc", { maxLength: 4 }).ids], [256, 97, 257, 10]);
    assert.deepEqual([...tokenizer.encode("abc", { addSpecialTokens: false }).ids], [97, 98, 99]);
  });
});
