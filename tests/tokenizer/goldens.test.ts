import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { inCodePoints, loadQwen3, readGolden, readRows } from "./goldens.ts";

interface EncodeRow {
  readonly g: string;
  readonly text: string;
  readonly ids: number[];
  readonly decoded: string;
  readonly decoded_skip_special?: string;
  readonly ids_special?: number[];
  readonly offsets?: number[][];
}

interface DecodeRow {
  readonly g: string;
  readonly ids: number[];
  readonly text: string;
  readonly text_skip_special: string;
}

interface StreamRow {
  readonly ids: number[];
  readonly skip_special: boolean;
  readonly steps?: (string | null)[];
  readonly full: string;
}

interface TruncationRow {
  readonly text: string;
  readonly max_length: number;
  readonly side: "left" | "right";
  readonly tokenizer: "base" | "embedding";
  readonly add_special_tokens: boolean;
  readonly ids: number[];
}

const EOS = 151643;
const base = loadQwen3("base");
const embedding = loadQwen3("embedding");
const encodeRows = readRows<EncodeRow>("encode.jsonl");

describe("Tokenizer on the goldens of Hugging Face tokenizers", () => {
  it("encodes every text to the same ids", () => {
    for (const { g, text, ids, ids_special } of encodeRows) {
      const where = `${g}: ${JSON.stringify(text.slice(0, 200))}`;
      assert.deepEqual([...base.encode(text).ids], ids, where);
      assert.deepEqual([...base.encode(text, { addSpecialTokens: false }).ids], ids, where);
      assert.deepEqual([...embedding.encode(text).ids], [...ids, EOS], where);
      if (ids_special) assert.deepEqual([...embedding.encode(text).ids], ids_special, where);
    }
  });

  it("finds the same offsets", () => {
    let checked = 0;
    for (const { g, text, ids, offsets } of encodeRows) {
      if (!offsets) continue;
      const encoding = embedding.encode(text, { offsets: true });
      assert.deepEqual([...encoding.ids], [...ids, EOS]);
      const found = inCodePoints(text, encoding.offsets ?? new Uint32Array());
      assert.deepEqual(found, [...offsets, [0, 0]], `${g}: ${JSON.stringify(text)}`);
      checked++;
    }
    assert.equal(checked, 1160);
  });

  it("decodes every row", () => {
    for (const { ids, decoded, decoded_skip_special } of encodeRows) {
      assert.equal(base.decode(ids), decoded);
      assert.equal(base.decode(ids, { skipSpecialTokens: true }), decoded_skip_special ?? decoded);
    }
    for (const { g, ids, text, text_skip_special } of readRows<DecodeRow>("decode.jsonl")) {
      assert.equal(base.decode(ids), text, `${g} ${ids.join(" ")}`);
      assert.equal(base.decode(ids, { skipSpecialTokens: true }), text_skip_special, `${g} ${ids.join(" ")}`);
    }
  });

  it("decodes every id of the vocabulary", () => {
    const meta = readGolden("tokenizer/meta.json") as { vocabulary_decode_sha256: { sha256: string } };
    const hash = createHash("sha256");
    for (let id = 0; id < 151669; id++) hash.update(`${base.decode([id])}\n`);
    assert.equal(hash.digest("hex"), meta.vocabulary_decode_sha256.sha256);
    assert.equal(base.vocabSize, 151669);
  });

  it("streams the same steps", () => {
    let refused = 0;
    for (const { ids, skip_special, steps, full } of readRows<StreamRow>("stream.jsonl")) {
      const stream = base.decodeStream({ skipSpecialTokens: skip_special });
      const found = ids.map((id) => stream.push(id));
      if (steps)
        assert.deepEqual(
          found,
          steps.map((step) => step ?? ""),
          full,
        );
      else refused++;
      const rest = stream.flush();
      const whole = base.decode(ids, { skipSpecialTokens: skip_special });
      assert.equal(found.join("") + rest, whole);
      if (steps) assert.equal(whole, full);
    }
    assert.ok(refused >= 0);
  });

  it("truncates the same way", () => {
    for (const row of readRows<TruncationRow>("truncation.jsonl")) {
      const tokenizer = row.tokenizer === "base" ? base : embedding;
      const encoding = tokenizer.encode(row.text, {
        maxLength: row.max_length,
        truncationSide: row.side,
        addSpecialTokens: row.add_special_tokens,
      });
      assert.deepEqual([...encoding.ids], row.ids, JSON.stringify(row));
    }
  });
});
