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

interface LimitRow {
  readonly text: string;
  readonly max_length: number;
  readonly add_special_tokens: boolean;
  readonly ids: number[];
}

interface Prompts {
  readonly embedding: Record<"queries" | "documents", { readonly text: string; readonly ids: number[] }[]>;
  readonly reranker: {
    readonly prefix: string;
    readonly suffix: string;
    readonly prefix_ids: number[];
    readonly suffix_ids: number[];
    readonly yes_id: number;
    readonly no_id: number;
    readonly rows: { readonly body: string; readonly max_length: number; readonly ids: number[] }[];
  };
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
    for (const { ids, skip_special, steps, full } of readRows<StreamRow>("stream.jsonl")) {
      const stream = base.decodeStream({ skipSpecialTokens: skip_special });
      const found = ids.map((id) => stream.push(id));
      const whole = base.decode(ids, { skipSpecialTokens: skip_special });
      assert.equal(found.join("") + stream.flush(), whole);
      if (steps === undefined) continue; // the original refuses these ids
      assert.deepEqual(
        found,
        steps.map((step) => step ?? ""),
        full,
      );
      assert.equal(whole, full);
    }
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

  it("does as the original at the smallest limits, but never forgets a limit", () => {
    for (const { text, max_length: maxLength, add_special_tokens: addSpecialTokens, ids } of readGolden(
      "tokenizer/truncation-limits.json",
    ) as LimitRow[]) {
      const encode = (): Uint32Array => embedding.encode(text, { maxLength, addSpecialTokens }).ids;
      // With 0 and an end token to add, the original does not truncate at all.
      if (maxLength === 0 && addSpecialTokens) assert.throws(encode, /cannot hold/);
      else assert.deepEqual([...encode()], ids);
    }
  });

  it("encodes the prompts of embedding and reranker", () => {
    const { embedding: prompts, reranker } = readGolden("prompts/prompts.json") as Prompts;
    for (const { text, ids } of [...prompts.queries, ...prompts.documents]) {
      assert.deepEqual([...embedding.encode(text).ids], ids);
    }
    assert.deepEqual([...base.encode(reranker.prefix).ids], reranker.prefix_ids);
    assert.deepEqual([...base.encode(reranker.suffix).ids], reranker.suffix_ids);
    assert.equal(base.tokenToId("yes"), reranker.yes_id);
    assert.equal(base.tokenToId("no"), reranker.no_id);
    const around = reranker.prefix_ids.length + reranker.suffix_ids.length;
    for (const { body, max_length, ids } of reranker.rows) {
      const found = base.encode(body, { maxLength: max_length - around }).ids;
      assert.deepEqual([...reranker.prefix_ids, ...found, ...reranker.suffix_ids], ids);
    }
  });

  it("encodes rendered conversations", () => {
    const conversations = readGolden("chat/conversations.json") as { rendered: string; ids: number[] }[];
    for (const { rendered, ids } of conversations) assert.deepEqual([...base.encode(rendered).ids], ids);
    assert.equal(conversations.length, 16);
  });
});
