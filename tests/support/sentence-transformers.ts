import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Backend, EmbeddingModel, type EncodeOptions } from "../../src/index.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { maxDifference } from "./close.ts";
import { fixture, fixtureJson } from "./fixtures.ts";

interface Fixture {
  readonly prompts: Readonly<Record<"none" | "query" | "custom", string>>;
  readonly truncate_max_length: number;
  readonly card_similarity: readonly (readonly number[])[];
  readonly texts: readonly { readonly group: string; readonly text: string }[];
}

export interface EndToEndOptions {
  /** Largest difference of any value of any normalised vector. */
  readonly tolerance: number;
  /** For slow backends: only texts of at most this many tokens. @default all */
  readonly maxTokens?: number;
  /** For slow backends: only every so many texts. @default 1 */
  readonly every?: number;
}

/** The bundled model against sentence-transformers in float32: prompts, dimensions, truncation, the card's matrix. */
export function describeEndToEnd(title: string, createBackend: () => Promise<Backend>, options: EndToEndOptions): void {
  const { tolerance, maxTokens = Number.POSITIVE_INFINITY, every = 1 } = options;
  describe(`${title}: the bundled model against sentence-transformers`, () => {
    const {
      texts,
      prompts,
      card_similarity: card,
      truncate_max_length: truncated,
    } = fixtureJson<Fixture>("sentence-transformers/texts.json");
    let model: EmbeddingModel;
    let oracle: SafetensorsFile;
    before(async () => {
      oracle = await SafetensorsFile.open(fixture("sentence-transformers/vectors.safetensors"));
      model = await EmbeddingModel.load(undefined, { backend: await createBackend() });
    });
    after(async () => {
      await model.dispose();
      await oracle.close();
    });

    /** Encodes the rows whose length allows it and compares them with the oracle's rows. */
    async function check(
      key: string,
      lengthsKey: string,
      encodeOptions: EncodeOptions<"float32">,
      subset?: readonly number[],
    ): Promise<void> {
      const lengths = await oracle.readFloat32(`ids/${lengthsKey}/lengths`);
      const rows = (subset ?? texts.map((_, i) => i)).map((text, row) => ({ text: texts[text]?.text ?? "", row }));
      const chosen = rows.filter(({ row }) => row % every === 0 && (lengths[row] ?? 0) <= maxTokens);
      assert.ok(chosen.length >= rows.length / every / 2, `${chosen.length} of ${rows.length} texts chosen`);
      const expected = await oracle.readFloat32(key);
      const width = oracle.tensors.get(key)?.shape[1] ?? 0;
      const vectors = await model.encode(
        chosen.map(({ text }) => text),
        encodeOptions,
      );
      for (const [i, { text, row }] of chosen.entries()) {
        const worst = maxDifference(vectors[i] ?? [], expected.subarray(row * width, (row + 1) * width));
        assert.ok(worst <= tolerance, `${key}[${row}] ${JSON.stringify(text.slice(0, 60))}: off by ${worst}`);
      }
    }

    it("without a prompt", () => check("none/normalized", "none", {}));
    it("with the query prompt", () => check("query/normalized", "query", { promptName: "query" }));
    it("with a prompt of its own", () => check("custom/normalized", "custom", { prompt: prompts.custom }));
    it("cut to 64 dimensions", () => check("none/normalized/64", "none", { dimensions: 64 }));
    for (const side of ["end", "start"] as const) {
      it(`truncated at the ${side}`, async () => {
        const rows = [...(await oracle.readFloat32("truncate/rows"))];
        await check(`truncate/${side}`, `truncate/${side}`, { maxLength: truncated, truncate: side }, rows);
      });
    }

    it("gives the card's similarity matrix", async () => {
      const queries = await model.encodeQuery(texts.slice(0, 2).map(({ text }) => text));
      const documents = await model.encodeDocument(texts.slice(2, 4).map(({ text }) => text));
      for (const [i, row] of model.similarity(queries, documents).entries()) {
        assert.ok(
          maxDifference(row, card[i] ?? []) <= 2e-6,
          `row ${i}: ${row.join(", ")} instead of ${card[i]?.join(", ")}`,
        );
      }
    });
  });
}
