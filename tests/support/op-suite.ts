import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { WeightDType } from "../../src/core/dtype.ts";
import type { Activation, Backend, MatrixUse, Recording, Segment } from "../../src/kernels/backend.ts";
import { ReferenceBackend } from "../../src/kernels/reference/reference-backend.ts";
import { assertClose, type Tolerance } from "./close.ts";
import { activationOf, noise, randomMatrix, rotaryTable } from "./random-operands.ts";

/** Records one operation on any backend. */
type Recipe = (backend: Backend, ops: Recording) => Promise<readonly Activation[]>;

const DTYPES: readonly WeightDType[] = ["F32", "BF16", "F16"];
/** Around the tiles of every kernel (4 and 6 rows, 8, 16, 32, 64 and 128 columns, 512 deep), and primes. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 17, 18, 19, 31, 33, 64, 65, 97, 127, 129];
const COLUMNS = [1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 33, 63, 64, 65, 127, 128, 129, 136, 197];
const DEPTHS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 64, 65, 127, 128, 129, 256, 511, 512, 513, 1031];

/**
 * Every operation of one backend against the reference, at sizes around tile edges, primes and single tokens, with
 * ragged batches and outliers. Tolerances are relative to the largest value of the expected tensor.
 */
export function describeOps(title: string, createBackend: () => Promise<Backend>, tolerance: Tolerance): void {
  describe(`${title}: operations against the reference`, () => {
    const reference = new ReferenceBackend();
    let backend: Backend;
    before(async () => {
      backend = await createBackend();
    });
    after(() => backend.dispose());

    async function compare(recipe: Recipe, what = "", factor = 1): Promise<void> {
      const { rtol, atol } = tolerance;
      const [expected, actual] = [await run(reference, recipe), await run(backend, recipe)];
      assert.equal(actual.length, expected.length);
      for (const [i, values] of expected.entries())
        assertClose(actual[i] ?? [], values, { rtol: rtol * factor, atol }, `${what} #${i}`);
    }

    async function forAll<T>(
      arbitrary: fc.Arbitrary<T>,
      recipe: (input: T) => Recipe,
      numRuns: number,
      factor = 1,
    ): Promise<void> {
      await fc.assert(
        fc.asyncProperty(arbitrary, (input) => compare(recipe(input), JSON.stringify(input), factor)),
        { numRuns },
      );
    }

    it("linear", () => forAll(products, linearRecipe, 60));
    it("linear with a residual", () => forAll(products, (size) => linearRecipe(size, true), 30));
    it("linear of rows with outliers of 1e5", () => forAll(products, (size) => linearRecipe(size, false, 1e5), 30));
    it("gateUp", () => forAll(products, gateUpRecipe, 40));
    // silu of a large negative gate is next to nothing, with the relative error of exp(gate): such a column says nothing
    // alone, only beside those whose gate is positive.
    const wide = products.filter(({ columns }) => columns >= 31);
    it("gateUp of large gates", () => forAll(wide, (size) => gateUpRecipe(size, 300), 20));
    it("qkv", () => forAll(heads, qkvRecipe, 40));
    it("attention over ragged batches", () => forAll(attentions, attentionRecipe, 40));
    it("attention with a shared prefix", () => forAll(attentions, prefixRecipe, 20));
    // exp turns an absolute error of a score into a relative one: scores in the hundreds lose two digits in float32.
    it("attention of scores in the hundreds", () => forAll(attentions, (size) => attentionRecipe(size, 8), 20, 10));
    it("attention over a cache", () => forAll(attentions, (size) => (b, o) => cacheRecipe(size, b, o), 20));
    for (const dtype of DTYPES) {
      for (const use of ["table", "product-and-table"] as const) {
        it(`embed ${dtype} ${use}`, () => forAll(tables, (size) => embedRecipe(size, dtype, use), 10));
      }
    }
    it("a table that products read too", () => forAll(products, (size) => linearRecipe(size, false, 1, "product-and-table"), 15)); // oxfmt-ignore
    it("rmsNorm", () => forAll(matrices, rmsNormRecipe, 30));
    it("normalize", () => forAll(matrices, normalizeRecipe, 30));
    it("gatherRows", () => forAll(matrices, gatherRecipe, 20));
  });
}

async function run(backend: Backend, recipe: Recipe): Promise<Float32Array[]> {
  const ops = backend.record();
  return await ops.read(...(await recipe(backend, ops)));
}

const from = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const products = fc.record({ rows: from(ROWS), columns: from(COLUMNS), depth: from(DEPTHS), dtype: from(DTYPES) });
type ProductSize = typeof products extends fc.Arbitrary<infer T> ? T : never;

const matrices = fc.record({ rows: from(ROWS), width: from(DEPTHS) });
const tables = fc.record({ rows: from(COLUMNS), width: from(DEPTHS), count: from(ROWS) });

const heads = fc.record({
  rows: from(ROWS.slice(0, 16)),
  depth: from(DEPTHS),
  dtype: from(DTYPES),
  kvHeads: from([1, 2, 3]),
  group: from([1, 2, 4]),
  headDim: from([2, 4, 6, 8, 10, 16, 32, 128]),
  queryRows: fc.boolean(),
  rotate: fc.boolean(),
});

const attentions = fc.record({
  lengths: fc.array(from([1, 2, 3, 7, 16, 31, 48, 49, 63, 64, 65, 97, 130]), { minLength: 1, maxLength: 5 }),
  kvHeads: from([1, 2]),
  group: from([1, 2, 3, 4]),
  headDim: from([2, 6, 8, 16, 32, 64, 128]),
});
type AttentionSize = typeof attentions extends fc.Arbitrary<infer T> ? T : never;

function linearRecipe(
  { rows, columns, depth, dtype }: ProductSize,
  residual = false,
  outlier = 1,
  use: MatrixUse = "product",
): Recipe {
  return async (backend, ops) => {
    const values = noise(rows * depth, 1);
    for (let row = 0; row < rows; row += 3) values[row * depth + (row % depth)] = outlier;
    const x = await activationOf(backend, ops, values, depth);
    const weight = await backend.loadMatrix(randomMatrix(columns, depth, dtype, 2), use);
    if (!residual) return [ops.linear(x, weight)];
    return [ops.linear(x, weight, { residual: await activationOf(backend, ops, noise(rows * columns, 3), columns) })];
  };
}

function gateUpRecipe({ rows, columns, depth, dtype }: ProductSize, scale = 3): Recipe {
  return async (backend, ops) => {
    const values = noise(rows * depth, 4).map((value) => value * scale);
    const x = await activationOf(backend, ops, values, depth);
    const weight = await backend.loadMatrix(randomMatrix(2 * columns, depth, dtype, 5), "product");
    return [ops.gateUp(x, weight)];
  };
}

function qkvRecipe(size: typeof heads extends fc.Arbitrary<infer T> ? T : never): Recipe {
  const { rows, depth, dtype, kvHeads, group, headDim, rotate } = size;
  return async (backend, ops) => {
    const x = await activationOf(backend, ops, noise(rows * depth, 6), depth);
    const qkvProj = await backend.loadMatrix(randomMatrix((group + 2) * kvHeads * headDim, depth, dtype, 7), "product");
    const weights = {
      qkvProj,
      numAttentionHeads: group * kvHeads,
      numKeyValueHeads: kvHeads,
      qNorm: backend.loadNorm("q_norm", noise(headDim, 8), 1e-6),
      kNorm: backend.loadNorm("k_norm", noise(headDim, 9), 1e-5),
    };
    const positions = Uint32Array.from({ length: rows }, (_, row) => (row * 5) % (rows + 3));
    const rotary = rotaryTable(rows + 3, headDim / 2);
    const queryRows = Uint32Array.from({ length: Math.ceil(rows / 2) }, (_, i) => rows - 1 - 2 * i);
    const { q, k, v } = ops.qkv(x, weights, { positions, rotary, rotate, ...(size.queryRows && { queryRows }) });
    return [q, k, v];
  };
}

/** q, k and v for `tokens` rows. */
async function qkvOf(
  { kvHeads, group, headDim }: AttentionSize,
  backend: Backend,
  ops: Recording,
  { tokens, scale = 1 }: { readonly tokens: number; readonly scale?: number },
): Promise<{ q: Activation; k: Activation; v: Activation }> {
  const of = (width: number, seed: number, factor: number): Promise<Activation> =>
    activationOf(
      backend,
      ops,
      noise(tokens * width, seed).map((value) => value * factor),
      width,
    );
  return {
    q: await of(group * kvHeads * headDim, 10, 2 * scale),
    k: await of(kvHeads * headDim, 11, 2 * scale),
    v: await of(kvHeads * headDim, 12, 1),
  };
}

function raggedSegments(lengths: readonly number[]): Segment[] {
  let start = 0;
  return lengths.map((length) => {
    start += length;
    const first = start - length;
    return {
      queryStart: first,
      queryLength: length,
      keyStart: first,
      keyLength: length,
      prefixStart: 0,
      prefixLength: 0,
    };
  });
}

function attentionRecipe(size: AttentionSize, scale = 1): Recipe {
  return async (backend, ops) => {
    const tokens = size.lengths.reduce((a, b) => a + b, 0);
    const qkv = await qkvOf(size, backend, ops, { tokens, scale });
    return [ops.attention(qkv, { headDim: size.headDim, segments: raggedSegments(size.lengths) })];
  };
}

/** The first sequence is seen by all that follow. */
function prefixRecipe(size: AttentionSize): Recipe {
  return async (backend, ops) => {
    const tokens = size.lengths.reduce((a, b) => a + b, 0);
    const [prefixLength = 0] = size.lengths;
    const segments = raggedSegments(size.lengths).map((segment, i) =>
      i === 0 ? segment : { ...segment, prefixLength },
    );
    return [ops.attention(await qkvOf(size, backend, ops, { tokens }), { headDim: size.headDim, segments })];
  };
}

/** All but the last token of each sequence go to a cache first; the last ones are decoded over it. */
async function cacheRecipe(size: AttentionSize, backend: Backend, ops: Recording): Promise<Activation[]> {
  const { lengths, headDim } = size;
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const { q, k, v } = await qkvOf(size, backend, ops, { tokens });
  const store = backend.createKvCache({ layers: 2, slots: tokens + 5, keyValueWidth: k.width }, "growth");
  const segments = raggedSegments(lengths).map((segment) => ({ ...segment, keyStart: segment.keyStart + 5 }));
  const rows = (wanted: (row: number, length: number) => boolean): Uint32Array =>
    Uint32Array.from(
      segments.flatMap(({ queryStart, queryLength }) =>
        Array.from({ length: queryLength }, (_, i) => i)
          .filter((i) => wanted(i, queryLength))
          .map((i) => queryStart + i),
      ),
    );
  const attend = (index: Uint32Array, parts: readonly Segment[]): Activation => {
    const part = { q: ops.gatherRows(q, index), k: ops.gatherRows(k, index), v: ops.gatherRows(v, index) };
    return ops.attention(part, {
      headDim,
      segments: parts,
      cache: { store, layer: 1, slots: index.map((row) => row + 5) },
    });
  };
  const [early, last] = [rows((i, n) => i < n - 1), rows((i, n) => i === n - 1)];
  if (early.length > 0) {
    let start = 0;
    const prefill = segments
      .filter(({ queryLength }) => queryLength > 1)
      .map((segment) => {
        const queryLength = segment.queryLength - 1;
        start += queryLength;
        return { ...segment, queryStart: start - queryLength, queryLength, keyLength: queryLength };
      });
    attend(early, prefill);
  }
  return [
    attend(
      last,
      segments.map((segment, i) => ({ ...segment, queryStart: i, queryLength: 1 })),
    ),
  ];
}

function embedRecipe(
  { rows, width, count }: { readonly rows: number; readonly width: number; readonly count: number },
  dtype: WeightDType,
  use: MatrixUse,
): Recipe {
  return async (backend, ops) => {
    const table = await backend.loadMatrix(randomMatrix(rows, width, dtype, 13), use);
    const ids = Uint32Array.from({ length: count }, (_, i) => (i * 7) % rows);
    return [ops.embed(table, ids)];
  };
}

interface MatrixSize {
  readonly rows: number;
  readonly width: number;
}

function rmsNormRecipe({ rows, width }: MatrixSize): Recipe {
  return async (backend, ops) => {
    const values = noise(rows * width, 14);
    values[0] = 1e5;
    const x = await activationOf(backend, ops, values, width);
    return [ops.rmsNorm(x, backend.loadNorm("norm", noise(width, 15), 1e-6))];
  };
}

function normalizeRecipe({ rows, width }: MatrixSize): Recipe {
  return async (backend, ops) => {
    const values = noise(rows * width, 16);
    values.fill(0, 0, width);
    const x = await activationOf(backend, ops, values, width);
    return [ops.normalize(x, width), ops.normalize(x, Math.ceil(width / 2))];
  };
}

function gatherRecipe({ rows, width }: MatrixSize): Recipe {
  return async (backend, ops) => {
    const x = await activationOf(backend, ops, noise(rows * width, 17), width);
    return [
      ops.gatherRows(
        x,
        Uint32Array.from({ length: rows + 3 }, (_, i) => (i * 3) % rows),
      ),
    ];
  };
}
