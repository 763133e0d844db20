import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { Qwen3Error } from "../../src/core/errors.ts";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import { readTokenizerFile } from "../../src/tokenizer/tokenizer-file.ts";
import { QWEN3_PATH, readQwen3 } from "./goldens.ts";
import { type ToyJson, toyJson } from "./toy.ts";

const MERGES = [
  ["Ġ", "t"],
  ["Ġt", "h"],
  ["e", "r"],
  ["Ã", "©"],
  ['"', "\\"],
] as const;
const TEXT = 'there "\\" is café  the er<|im_end|>\n';

function toy(): ToyJson {
  return toyJson({ merges: MERGES, addedTokens: [{ content: "<|im_end|>", special: true } as { content: string }] });
}

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tokenizer-"));
});
after(() => rm(folder, { recursive: true }));

async function load(content: string | Uint8Array): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  await writeFile(path, content);
  return Tokenizer.fromFile(path);
}

/** Everything that can be seen of a tokenizer. */
function behaviour(tokenizer: Tokenizer): unknown {
  const ids = Array.from({ length: tokenizer.vocabSize + 2 }, (_, id) => id);
  return {
    ...tokenizer.encode(TEXT, { offsets: true }),
    tokens: ids.map((id) => tokenizer.idToToken(id)),
    texts: ids.map((id) => tokenizer.decode([id])),
    special: [...tokenizer.specialTokenIds],
    template: tokenizer.template,
  };
}

describe("tokenizer.json", () => {
  it("is read from a file as from an object", async () => {
    const fromFile = await Tokenizer.fromFile(QWEN3_PATH.pathname);
    const fromObject = Tokenizer.fromJSON(readQwen3());
    assert.equal(fromFile.vocabSize, 151669);
    assert.equal(fromFile.vocabSize, fromObject.vocabSize);
    for (let id = 0; id < fromFile.vocabSize; id++) {
      const token = fromObject.idToToken(id) ?? "";
      assert.equal(fromFile.idToToken(id), token);
      assert.equal(fromFile.tokenToId(token), id);
    }
    assert.deepEqual(fromFile.encode(TEXT), fromObject.encode(TEXT));
    assert.equal(fromFile.idToToken(151669), undefined);
    assert.equal(fromFile.tokenToId("no such token"), undefined);
    assert.equal(fromFile.tokenToId("中"), undefined);
  });

  it("is read the same however its JSON is written", async () => {
    const json = toy();
    const expected = behaviour(Tokenizer.fromJSON(json));
    const compact = JSON.stringify(json);
    const escaped = compact.replaceAll(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    const { vocab, merges, ...model } = json.model;
    const mergesFirst = JSON.stringify({ ...json, model: { ...model, merges, vocab } });
    const joined = JSON.stringify({ ...json, model: { ...json.model, merges: MERGES.map((pair) => pair.join(" ")) } });
    const spread = JSON.stringify(json, null, "\t").replaceAll("\n", "\r\n");
    for (const text of [compact, escaped, mergesFirst, joined, spread, ` ${compact}\n`]) {
      assert.deepEqual(behaviour(await load(text)), expected, text.slice(0, 100));
    }
    assert.ok(readTokenizerFile(Buffer.from(compact)), "the fast way reads what is usual");
    assert.ok(readTokenizerFile(Buffer.from(joined)));
    assert.ok(readTokenizerFile(Buffer.from(spread)));
    assert.equal(readTokenizerFile(Buffer.from(escaped)), undefined);
  });

  it("is never read otherwise than JSON.parse reads it, whatever is changed in it", async () => {
    const compact = JSON.stringify(toy());
    const bytes = Buffer.from(compact);
    const outcome = (make: () => Tokenizer): unknown => {
      try {
        return behaviour(make());
      } catch (error) {
        if (error instanceof Qwen3Error || error instanceof SyntaxError) return error.name;
        throw error;
      }
    };
    const modelStart = compact.indexOf('"model"');
    const places = fc.oneof(fc.nat(bytes.length - 1), fc.integer({ min: modelStart, max: bytes.length - 1 }));
    const changes = fc.tuple(
      places,
      fc.constantFrom(...Array.from('"\\,:[]{}0123456789abcÃ\u0120 \n-.eu')),
      fc.constantFrom(0, 1, 2),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 2 }), async (list) => {
        let changed = bytes;
        for (const [place, by, removed] of list) {
          changed = Buffer.concat([changed.subarray(0, place), Buffer.from(by), changed.subarray(place + removed)]);
        }
        const expected = outcome(() => Tokenizer.fromJSON(JSON.parse(changed.toString())));
        const found = await load(changed).then(
          (tokenizer) => outcome(() => tokenizer),
          (error: unknown) => {
            assert.ok(error instanceof Qwen3Error, String(error));
            return "Qwen3Error";
          },
        );
        if (expected === "SyntaxError") assert.equal(found, "Qwen3Error");
        else assert.deepEqual(found, expected);
      }),
      { numRuns: 400 },
    );
  });
});

describe("a tokenizer.json that cannot be used", () => {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: "Split", pattern: { Regex: "\\w+" }, behavior: "Isolated", invert: false };

  const cases: [string, Parameters<typeof toyJson>[0], string, RegExp][] = [
    ["another model", { model: { type: "WordPiece" } }, "unsupported", /model\.type is "WordPiece"/],
    ["byte fallback", { model: { byte_fallback: true } }, "unsupported", /model\.byte_fallback is true/],
    ["dropout", { model: { dropout: 0.1 } }, "unsupported", /model\.dropout is 0\.1/],
    ["an unknown token", { model: { unk_token: "<unk>" } }, "unsupported", /model\.unk_token is "<unk>"/],
    ["suffixes", { model: { end_of_word_suffix: "</w>" } }, "unsupported", /end_of_word_suffix/],
    ["another normalizer", { fields: { normalizer: { type: "NFKC" } } }, "unsupported", /normalizer\.type is "NFKC"/],
    [
      "a normalizer in a sequence",
      { fields: { normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] } } },
      "unsupported",
      /normalizer\.normalizers\[1\]\.type is "Lowercase"/,
    ],
    ["no pre-tokenizer", { fields: { pre_tokenizer: null } }, "unsupported", /pre_tokenizer is null/],
    [
      "another pattern",
      { fields: { pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel] } } },
      "unsupported",
      /pretokenizers\[0\]\.pattern\.Regex is "\\\\w\+"/,
    ],
    [
      "a third pre-tokenizer",
      { fields: { pre_tokenizer: threePreTokenizers() } },
      "unsupported",
      /pretokenizers\[2\] is "Digits"/,
    ],
    [
      "trimmed offsets",
      { fields: { post_processor: { ...byteLevel, trim_offsets: true } } },
      "unsupported",
      /post_processor\.trim_offsets is true/,
    ],
    [
      "another post-processor",
      { fields: { post_processor: { type: "BertProcessing" } } },
      "unsupported",
      /BertProcessing/,
    ],
    ["another decoder", { fields: { decoder: { type: "WordPiece" } } }, "unsupported", /decoder\.type is "WordPiece"/],
    ["no decoder", { fields: { decoder: null } }, "unsupported", /decoder is null/],
    [
      "no merges",
      { model: { merges: undefined } },
      "invalid-checkpoint",
      /model\.merges is missing, expected an array/,
    ],
    ["no vocabulary", { model: { vocab: [] } }, "invalid-checkpoint", /model\.vocab is \[\], expected an object/],
    [
      "a byte that is missing",
      { model: { vocab: { a: 0 }, merges: [] } },
      "invalid-checkpoint",
      /lacks "Ā", the token of byte 0/,
    ],
    [
      "an id that is none",
      { model: { vocab: { a: -1 } } },
      "invalid-checkpoint",
      /model\.vocab\["a"\] is -1, expected an id/,
    ],
    ["an id as text", { model: { vocab: { a: "1" } } }, "invalid-checkpoint", /model\.vocab\["a"\] is "1"/],
    ["an id twice", { model: { vocab: { a: 1, b: 1 } } }, "invalid-checkpoint", /model\.vocab\["b"\].*id 1/],
    [
      "a merge of what is no token",
      { model: { merges: [["q", "u"]] } },
      "invalid-checkpoint",
      /model\.merges\[0\] is \["q","u"\]: /,
    ],
    [
      "a merge of three",
      { model: { merges: ["a b c"] } },
      "invalid-checkpoint",
      /model\.merges\[0\] is "a b c", expected two tokens/,
    ],
    [
      "an added token without id",
      { fields: { added_tokens: [{ content: "x" }] } },
      "invalid-checkpoint",
      /added_tokens\[0\]\.id is missing/,
    ],
    [
      "an empty added token",
      { fields: { added_tokens: [{ id: 300, content: "" }] } },
      "invalid-checkpoint",
      /added_tokens\[0\]\.content is ""/,
    ],
    [
      "two added tokens with one id",
      {
        fields: {
          added_tokens: [
            { id: 300, content: "<x>" },
            { id: 300, content: "<y>" },
          ],
        },
      },
      "invalid-checkpoint",
      /"<x>" and "<y>" both have id 300/,
    ],
    [
      "an added token that the vocabulary has under another id",
      { fields: { added_tokens: [{ id: 300, content: "a" }] } },
      "invalid-checkpoint",
      /"a" has id 300 in added_tokens and 97 in model\.vocab/,
    ],
    [
      "an added token with the id of another",
      { fields: { added_tokens: [{ id: 97, content: "<x>" }] } },
      "invalid-checkpoint",
      /id 97 is "<x>" in added_tokens and "a" in model\.vocab/,
    ],
  ];

  function threePreTokenizers(): object {
    const { pre_tokenizer } = toyJson() as unknown as { pre_tokenizer: { type: string; pretokenizers: object[] } };
    return { ...pre_tokenizer, pretokenizers: [...pre_tokenizer.pretokenizers, { type: "Digits" }] };
  }

  for (const [name, options, code, message] of cases) {
    it(`is refused: ${name}`, async () => {
      const json = toyJson(options);
      const isExpected = (error: unknown): boolean => {
        assert.ok(error instanceof Qwen3Error);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      };
      assert.throws(() => Tokenizer.fromJSON(json), isExpected);
      await assert.rejects(load(JSON.stringify(json)), isExpected);
    });
  }

  it("is refused: one that is nested without end", async () => {
    const depth = 100_000;
    const arrays = "[".repeat(depth) + "]".repeat(depth);
    const sequences = '{"type":"Sequence","normalizers":['.repeat(depth) + "]}".repeat(depth);
    for (const normalizer of [arrays, sequences]) {
      const text = JSON.stringify(toyJson()).replace('{"type":"NFC"}', normalizer);
      await assert.rejects(load(text), (error) => error instanceof Qwen3Error && /normalizer/.test(error.message));
    }
  });

  it("is refused: no JSON, no object, no file", async () => {
    await assert.rejects(load("{"), /tokenizer\.json: not JSON/);
    await assert.rejects(load("[]"), /the file is \[\], expected an object/);
    await assert.rejects(load(""), /not JSON/);
    await assert.rejects(Tokenizer.fromFile(join(folder, "nowhere.json")), { code: "not-found" });
    assert.throws(() => Tokenizer.fromJSON(null), /the file is null/);
  });
});
