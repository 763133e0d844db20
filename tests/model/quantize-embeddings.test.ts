import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Precision, quantizationRanges, quantizeEmbeddings } from "../../src/index.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { fixture } from "../support/fixtures.ts";

describe("quantizeEmbeddings equals sentence-transformers' quantize_embeddings", () => {
  let oracle: SafetensorsFile;
  let vectors: Float32Array[];
  before(async () => {
    oracle = await SafetensorsFile.open(fixture("sentence-transformers/vectors.safetensors"));
    vectors = await rows("none/normalized");
  });
  after(() => oracle.close());

  async function rows(key: string): Promise<Float32Array[]> {
    const [count = 0, width = 0] = oracle.tensors.get(key)?.shape ?? [];
    const data = await oracle.readFloat32(key);
    return Array.from({ length: count }, (_, i) => data.slice(i * width, (i + 1) * width));
  }

  for (const precision of ["int8", "uint8"] as const) {
    it(`${precision} with given ranges, with calibration, and from the vectors themselves`, async () => {
      const [min = new Float32Array(), max = new Float32Array()] = await rows("quantize/ranges");
      const calibrationEmbeddings = vectors.slice(0, 111);
      const cases = { ranges: { ranges: { min, max } }, calibration: { calibrationEmbeddings }, self: {} };
      for (const [name, options] of Object.entries(cases)) {
        const expected = (await rows(`quantize/${precision}/${name}`)).map((row) => Array.from(row));
        assert.deepEqual(
          quantizeEmbeddings(vectors, precision, options).map((row) => Array.from(row)),
          expected,
          name,
        );
      }
    });
  }

  for (const precision of ["binary", "ubinary"] as const) {
    it(`${precision} packs the same bits`, async () => {
      const expected = (await rows(`quantize/${precision}`)).map((row) => Array.from(row));
      assert.deepEqual(
        quantizeEmbeddings(vectors, precision).map((row) => Array.from(row)),
        expected,
      );
    });
  }
});

describe("quantizeEmbeddings", () => {
  it("keeps what there is nothing to do for", () => {
    const vector = Float32Array.of(0.5, -0.5);
    assert.deepEqual(quantizeEmbeddings([vector], "float32"), [vector]);
    assert.deepEqual(quantizeEmbeddings([], "int8"), []);
  });

  it("needs more than one vector, or ranges, for 8 bits", () => {
    const vector = Float32Array.of(0.5, -0.5);
    assert.throws(
      () => quantizeEmbeddings([vector], "int8"),
      /int8 ranges cannot come from a single embedding; give 'ranges' or 'calibrationEmbeddings'/,
    );
    const ranges = quantizationRanges([vector, Float32Array.of(-1, 1)]);
    assert.deepEqual(quantizeEmbeddings([vector], "uint8", { ranges }), [Uint8Array.of(255, 0)]);
  });

  it("refuses ranges of another width and unknown precisions", () => {
    const ranges = { min: Float32Array.of(0), max: Float32Array.of(1) };
    assert.throws(
      () => quantizeEmbeddings([new Float32Array(2)], "int8", { ranges }),
      /ranges have 1 dimensions, the embeddings 2/,
    );
    assert.throws(
      () => quantizeEmbeddings([new Float32Array(2)], "fp4" as Precision),
      /precision "fp4"; expected one of float32/,
    );
  });

  it("maps a dimension without spread to one step", () => {
    const same = [Float32Array.of(2), Float32Array.of(2)];
    assert.deepEqual(quantizeEmbeddings(same, "uint8"), [Uint8Array.of(0), Uint8Array.of(0)]);
  });
});
