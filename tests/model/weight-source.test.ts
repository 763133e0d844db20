import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type WeightDType, widenWeights } from "../../src/core/dtype.ts";
import type { MatrixSource } from "../../src/kernels/backend.ts";
import { convertRows, interleaveRows, selectRows, stackRows } from "../../src/model/weight-source.ts";

const COLUMNS = 3;

/** A float32 matrix whose value at [row, column] is `first + row + column / 4`. */
function counting(rows: number, first: number): MatrixSource {
  return {
    name: `from ${first}`,
    rows,
    columns: COLUMNS,
    dtype: "F32",
    async readRows(start, count, into) {
      const values = Float32Array.from(
        { length: count * COLUMNS },
        (_, i) => first + start + Math.floor(i / COLUMNS) + (i % COLUMNS) / 4,
      );
      into.set(new Uint8Array(values.buffer));
    },
  };
}

async function firstColumn(source: MatrixSource, start = 0, count: number = source.rows): Promise<number[]> {
  const bytes = new Uint8Array(count * source.columns * (source.dtype === "F32" ? 4 : 2));
  await source.readRows(start, count, bytes);
  const values = new Float32Array(count * source.columns);
  widenWeights(bytes, source.dtype, values);
  return Array.from({ length: count }, (_, row) => values[row * source.columns] ?? Number.NaN);
}

describe("weight sources", () => {
  it("stack, interleave and select rows", async () => {
    assert.deepEqual(await firstColumn(stackRows("s", [counting(2, 0), counting(3, 100)])), [0, 1, 100, 101, 102]);
    assert.deepEqual(
      await firstColumn(interleaveRows("i", counting(3, 0), counting(3, 100))),
      [0, 100, 1, 101, 2, 102],
    );
    assert.deepEqual(await firstColumn(selectRows("r", counting(5, 0), [4, 0, 4])), [4, 0, 4]);
  });

  it("read any range as the whole's slice", async () => {
    const sources = [
      stackRows("s", [counting(4, 0), counting(1, 50), counting(5, 100)]),
      interleaveRows("i", counting(5, 0), counting(5, 100)),
      selectRows("r", counting(9, 0), [8, 1, 1, 4, 0, 2, 3, 5, 6, 7]),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...sources),
        fc.nat({ max: 9 }),
        fc.nat({ max: 10 }),
        async (source, start, length) => {
          const count = Math.min(length, source.rows - start);
          assert.deepEqual(
            await firstColumn(source, start, count),
            (await firstColumn(source)).slice(start, start + count),
          );
        },
      ),
    );
  });

  it("join matrices of different dtypes in float32", async () => {
    const narrow = convertRows(counting(2, 1), "BF16");
    const joined = stackRows("s", [narrow, counting(1, 100)]);
    assert.equal(joined.dtype, "F32" satisfies WeightDType);
    assert.deepEqual(await firstColumn(joined), [1, 2, 100]);
  });

  it("round to nearest even when narrowing to bf16", async () => {
    const value = (x: number): MatrixSource => ({
      ...counting(1, 0),
      columns: 1,
      async readRows(_start, _count, into) {
        into.set(new Uint8Array(Float32Array.of(x).buffer));
      },
    });
    const cases: readonly [number, number][] = [
      [1 + 2 ** -8, 1], // halfway, the even neighbour is below
      [1 + 3 * 2 ** -8, 1 + 2 ** -6], // halfway, the even neighbour is above
      [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
      [-3.39e38, -3.3895313892515355e38],
      [-3.4e38, Number.NEGATIVE_INFINITY], // beyond the middle between bf16's largest and the next power of two
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      [Number.NaN, Number.NaN],
    ];
    for (const [given, expected] of cases)
      assert.deepEqual(await firstColumn(convertRows(value(given), "BF16")), [expected]);
  });
});
