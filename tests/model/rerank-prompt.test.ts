import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { RerankPrompt } from "../../src/model/rerank-prompt.ts";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import { bundledFolder } from "../../src/weights/bundled.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { fixture, fixtureJson } from "../support/fixtures.ts";
import { loadQwen3 } from "../tokenizer/goldens.ts";

interface Oracle {
  readonly reranker: {
    readonly rows: readonly {
      readonly instruction: string | null;
      readonly query: string;
      readonly document: string;
      readonly max_length: number;
      readonly ids: readonly number[];
    }[];
  };
}

describe("RerankPrompt", () => {
  it("gives the ids of the official code with Qwen3's tokenizer", () => {
    const prompt = new RerankPrompt(loadQwen3("base"));
    const { rows } = fixtureJson<Oracle>("goldens/prompts/prompts.json").reranker;
    assert.ok(rows.length > 5);
    for (const { instruction, query, document, max_length: maxLength, ids } of rows) {
      const encoded = prompt.encode(query, document, { maxLength, instruction: instruction ?? undefined });
      assert.deepEqual([...encoded], ids, `${query} / ${document.slice(0, 40)}`);
    }
  });

  it("gives the ids of every pair of the bundled model, whole and cut", async () => {
    const prompt = new RerankPrompt(
      await Tokenizer.fromFile(join(bundledFolder("qwen3-reranker-tiny"), "tokenizer.json")),
    );
    const { pairs } = fixtureJson<{ pairs: { query: string; document: string; instruction: string }[] }>(
      "transformers-reranker/pairs.json",
    );
    const oracle = await SafetensorsFile.open(fixture("transformers-reranker/scores.safetensors"));
    const check = async (rows: readonly number[], key: string, maxLength: number): Promise<void> => {
      const all = await readInt32(oracle, key);
      let start = 0;
      for (const [i, length] of (await readInt32(oracle, `${key}/lengths`)).entries()) {
        const { query = "", document = "", instruction } = pairs[rows[i] ?? 0] ?? {};
        const encoded = prompt.encode(query, document, { instruction, maxLength });
        assert.deepEqual([...encoded], [...all.subarray(start, start + length)], `${key} ${i}`);
        start += length;
      }
      assert.equal(start, all.length);
    };
    await check([...pairs.keys()], "ids", 2048);
    await check([...(await readInt32(oracle, "short/rows"))], "short/ids", 96);
    await oracle.close();
  });

  it("says when the prompt itself does not fit", () => {
    const prompt = new RerankPrompt(loadQwen3("base"));
    assert.throws(() => prompt.encode("q", "d", { maxLength: 40 }), {
      code: "invalid-argument",
      message: "maxLength is 40; the prompt around a pair alone has 48 tokens",
    });
    assert.equal(prompt.encode("q", "d", { maxLength: 48 }).length, 48);
  });
});

async function readInt32(file: SafetensorsFile, name: string): Promise<Int32Array> {
  return new Int32Array((await file.read(name)).slice().buffer);
}
