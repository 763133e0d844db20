import assert from "node:assert/strict";
import type { WeightDType } from "../../src/core/dtype.ts";
import type { Activation, Segment } from "../../src/kernels/backend.ts";
import { type OpRig, rotaryTable } from "./op-rig.ts";

/** One operation at one shape. */
export interface OpCase {
  readonly name: string;
  run(rig: OpRig): Promise<readonly Activation[]>;
}

/** Around the edges of tiles, vectors and waves, and prime. */
export const PRODUCT_SHAPES: readonly (readonly [rows: number, columns: number, depth: number])[] = [
  [1, 1, 1],
  [1, 8, 4],
  [1, 1024, 256],
  [2, 3, 5],
  [3, 64, 64],
  [4, 67, 129],
  [7, 31, 63],
  [8, 127, 65],
  [15, 65, 33],
  [16, 128, 128],
  [17, 129, 127],
  [31, 63, 97],
  [32, 64, 16],
  [33, 257, 101],
  [63, 33, 31],
  [64, 96, 200],
  [65, 1, 67],
  [127, 66, 9],
  [128, 128, 32],
  [129, 131, 72],
  [257, 20, 12],
];

/** For kernels that read eight weights at a time, whose K is a multiple of 8 once it is padded to one of 4. */
const FEW_ROWS_SHAPES: readonly (readonly [rows: number, columns: number, depth: number])[] = [
  [1, 1, 8],
  [1, 131, 1032],
  [2, 67, 517],
  [3, 7, 16],
  [4, 64, 968],
  [5, 33, 264],
  [7, 9, 504],
  [8, 130, 72],
  [9, 31, 1024],
  [13, 5, 512],
  [16, 129, 504],
  [17, 66, 256],
];

const DTYPES: readonly WeightDType[] = ["BF16", "F16", "F32"];

export const linearCases: readonly OpCase[] = [
  ...[...PRODUCT_SHAPES, ...FEW_ROWS_SHAPES].flatMap(([rows, columns, depth], i) => {
    const dtype = DTYPES[i % DTYPES.length] ?? "BF16";
    return [false, true].map((residual) => ({
      name: `linear ${rows}×${depth} · ${dtype} ${columns}×${depth}${residual ? " + residual" : ""}`,
      run: async (rig: OpRig) => {
        const x = await rig.input(rows, depth);
        const weight = await rig.matrix(columns, depth, dtype);
        const added = residual ? { residual: await rig.input(rows, columns) } : {};
        return [rig.ops.linear(x, weight, added)];
      },
    }));
  }),
  ...DTYPES.map((dtype) => ({
    name: `linear with outliers of 1e5, ${dtype}`,
    run: async (rig: OpRig) => {
      const x = await rig.input(37, 96, { outlier: 1e5 });
      return [rig.ops.linear(x, await rig.matrix(65, 96, dtype), { residual: await rig.input(37, 65) })];
    },
  })),
];

export const gateUpCases: readonly OpCase[] = [
  ...[...PRODUCT_SHAPES, ...FEW_ROWS_SHAPES].map(([rows, columns, depth], i) => ({
    name: `gateUp ${rows}×${depth} → ${rows}×${columns}`,
    run: async (rig: OpRig) => {
      return [rig.ops.gateUp(await rig.input(rows, depth), await rig.matrix(2 * columns, depth, DTYPES[i % 3]))];
    },
  })),
  ...[1e5, -1e5].map((outlier) => ({
    name: `gateUp with outliers of ${outlier}`,
    run: async (rig: OpRig) => {
      return [rig.ops.gateUp(await rig.input(19, 64, { outlier }), await rig.matrix(2 * 40, 64))];
    },
  })),
];

export const rmsNormCases: readonly OpCase[] = [1, 2, 3, 4, 5, 63, 64, 65, 127, 256, 1000, 1024, 1027].flatMap(
  (width) => [
    rmsNormCase(`rmsNorm 5×${width}`, width, {}),
    rmsNormCase(`rmsNorm 5×${width}, outliers of 1e5`, width, { outlier: 1e5 }),
    rmsNormCase(`rmsNorm 5×${width}, values of 1e-4`, width, { scale: 1e-4 }),
  ],
);

function rmsNormCase(name: string, width: number, options: { outlier?: number; scale?: number }): OpCase {
  return { name, run: async (rig) => [rig.ops.rmsNorm(await rig.input(5, width, options), rig.norm(width))] };
}

export const rowCases: readonly OpCase[] = [
  ...[1, 5, 64, 257].flatMap((width) => [
    {
      name: `gatherRows ×${width}`,
      run: async (rig: OpRig) => [rig.ops.gatherRows(await rig.input(70, width), Uint32Array.of(69, 0, 3, 3, 41))],
    },
    {
      name: `embed from a table that is also a product's, ×${width}`,
      run: async (rig: OpRig) => {
        const table = await rig.matrix(90, width, "BF16", "product-and-table");
        return [
          rig.ops.embed(
            table,
            Uint32Array.from({ length: 40 }, (_, i) => (i * 37) % 90),
          ),
        ];
      },
    },
  ]),
  ...DTYPES.map((dtype) => ({
    name: `embed ${dtype}`,
    run: async (rig: OpRig) => {
      const table = await rig.matrix(50, 33, dtype, "table");
      return [rig.ops.embed(table, Uint32Array.of(49, 0, 7, 7, 20))];
    },
  })),
  ...[1, 3, 4, 32, 63, 64].map((dimensions) => ({
    name: `normalize 64 → ${dimensions}`,
    run: async (rig: OpRig) => [rig.ops.normalize(await rig.input(9, 64), dimensions)],
  })),
  ...[1e-20, 1e20].map((scale) => ({
    name: `normalize values of ${scale}`,
    run: async (rig: OpRig) => [rig.ops.normalize(await rig.input(3, 20, { scale }), 20)],
  })),
];

export const qkvCases: readonly OpCase[] = [
  [1, 4, 2, 32, 64],
  [17, 8, 2, 16, 96],
  [33, 4, 4, 8, 50],
  [65, 2, 1, 64, 40],
  [5, 4, 2, 128, 256],
  [3, 2, 1, 256, 72],
].flatMap(([rows = 0, heads = 0, kvHeads = 0, headDim = 0, hidden = 0]) => {
  const positions = Uint32Array.from({ length: rows }, (_, i) => (i * 5) % 40);
  const shape = `${rows}×${hidden}, ${heads}/${kvHeads} heads of ${headDim}`;
  const rotary = rotaryTable(40, headDim);
  const queryRows = Uint32Array.of(rows - 1, 0, rows >> 1);
  return [{}, { rotate: false }, { queryRows }].map((options) => ({
    name: `qkv ${shape} ${Object.keys(options).join()}`,
    run: async (rig: OpRig) => {
      const weights = await rig.qkvWeights(heads, kvHeads, headDim, hidden);
      const { q, k, v } = rig.ops.qkv(await rig.input(rows, hidden), weights, { positions, rotary, ...options });
      return [q, k, v];
    },
  }));
});

/** Sequences packed one after the other. */
export function ragged(...lengths: readonly number[]): Segment[] {
  let start = 0;
  return lengths.map((length) => {
    const at = start;
    start += length;
    return { queryStart: at, queryLength: length, keyStart: at, keyLength: length, prefixStart: 0, prefixLength: 0 };
  });
}

interface AttentionCase {
  readonly name: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly segments: readonly Segment[];
  readonly outlier?: number;
}

/** Last rows only, against a prefix that two sequences share: query rows 0 and 1, keys 0–9 shared, then 6 and 3 own. */
const sharedPrefix: readonly Segment[] = [
  { queryStart: 0, queryLength: 4, keyStart: 10, keyLength: 6, prefixStart: 0, prefixLength: 10 },
  { queryStart: 4, queryLength: 1, keyStart: 16, keyLength: 3, prefixStart: 0, prefixLength: 10 },
  { queryStart: 5, queryLength: 20, keyStart: 19, keyLength: 20, prefixStart: 0, prefixLength: 10 },
];

/** A few tokens after long texts, as in decoding: 1 after 5,000, 3 after 1,300 and a prefix, 1 after 20. */
const longCaches: readonly Segment[] = [
  { queryStart: 0, queryLength: 1, keyStart: 0, keyLength: 5000, prefixStart: 0, prefixLength: 0 },
  { queryStart: 1, queryLength: 3, keyStart: 700, keyLength: 1303, prefixStart: 100, prefixLength: 513 },
  { queryStart: 4, queryLength: 1, keyStart: 4000, keyLength: 21, prefixStart: 0, prefixLength: 0 },
];

const longCacheShapes: readonly AttentionCase[] = [
  { name: "one token after 5,000", heads: 4, kvHeads: 2, headDim: 64, segments: longCaches.slice(0, 1) },
  {
    name: "one token after 513",
    heads: 2,
    kvHeads: 1,
    headDim: 128,
    segments: [{ ...ragged(513)[0], queryStart: 0, queryLength: 1 } as Segment],
  },
  { name: "few tokens after long texts", heads: 8, kvHeads: 2, headDim: 16, segments: longCaches },
  {
    name: "16 tokens after 2,000",
    heads: 2,
    kvHeads: 1,
    headDim: 32,
    segments: [{ ...(longCaches[0] as Segment), queryLength: 16, keyLength: 2016 }],
  },
  {
    name: "scores of 100 after 3,000",
    heads: 2,
    kvHeads: 2,
    headDim: 32,
    segments: [{ ...(longCaches[0] as Segment), keyLength: 3000 }],
    outlier: 24,
  },
];

const attentionShapes: readonly AttentionCase[] = [
  { name: "one token", heads: 2, kvHeads: 1, headDim: 32, segments: ragged(1) },
  ...[15, 16, 17, 31, 32, 33, 64, 65].map((length) => ({
    name: `one text of ${length}`,
    heads: 4,
    kvHeads: 2,
    headDim: 32,
    segments: ragged(length),
  })),
  { name: "ragged", heads: 4, kvHeads: 2, headDim: 16, segments: ragged(1, 40, 1, 1, 7, 16, 17, 33, 2) },
  { name: "groups of 1", heads: 3, kvHeads: 3, headDim: 64, segments: ragged(20, 5) },
  { name: "groups of 4", heads: 8, kvHeads: 2, headDim: 128, segments: ragged(31, 1, 18) },
  { name: "groups of 5", heads: 5, kvHeads: 1, headDim: 8, segments: ragged(9, 30) },
  { name: "groups of 8", heads: 8, kvHeads: 1, headDim: 32, segments: ragged(21, 3) },
  { name: "wide heads", heads: 2, kvHeads: 1, headDim: 256, segments: ragged(19, 1) },
  { name: "scores of 1e5", heads: 4, kvHeads: 2, headDim: 32, segments: ragged(30, 9), outlier: 300 },
  { name: "a shared prefix", heads: 4, kvHeads: 2, headDim: 32, segments: sharedPrefix },
];

export const attentionCases: readonly OpCase[] = attentionShapes.map(attentionCase);
/** Not for adapters whose bindings are too small for long texts. */
export const longCacheCases: readonly OpCase[] = longCacheShapes.map(attentionCase);

function attentionCase({ name, heads, kvHeads, headDim, segments, outlier }: AttentionCase): OpCase {
  return {
    name: `attention, ${name}, ${heads}/${kvHeads} heads of ${headDim}`,
    run: async (rig) => {
      const queries = Math.max(...segments.map(({ queryStart, queryLength }) => queryStart + queryLength));
      const keys = Math.max(...segments.map(({ keyStart, keyLength }) => keyStart + keyLength));
      const widths = { q: heads * headDim, kv: kvHeads * headDim };
      const qkv = await rig.qkv(queries, keys, widths, outlier === undefined ? {} : { outlier });
      return [rig.ops.attention(qkv, { headDim, segments })];
    },
  };
}

/** A prompt of 20 tokens in slots of a cache, then one more token that sees them all. */
export const cacheCase: OpCase = {
  name: "attention over a cache",
  run: async (rig) => {
    const widths = { q: 128, kv: 64 };
    const store = rig.backend.createKvCache({ layers: 2, slots: 50, keyValueWidth: widths.kv }, "growth");
    const whole = { queryStart: 0, keyStart: 10, prefixStart: 0, prefixLength: 0 };
    const prompt = rig.ops.attention(await rig.qkv(20, 20, widths), {
      headDim: 32,
      segments: [{ ...whole, queryLength: 20, keyLength: 20 }],
      cache: { store, layer: 1, slots: Uint32Array.from({ length: 20 }, (_, i) => 10 + i) },
    });
    const next = rig.ops.attention(await rig.qkv(1, 1, widths), {
      headDim: 32,
      segments: [{ ...whole, queryLength: 1, keyLength: 21 }],
      cache: { store, layer: 1, slots: Uint32Array.of(30) },
    });
    assert.equal(store.layers, 2);
    return [prompt, next];
  },
};

export const ALL_OP_CASES: readonly OpCase[] = [
  ...rowCases,
  ...rmsNormCases,
  ...linearCases,
  ...gateUpCases,
  ...qkvCases,
  ...attentionCases,
  cacheCase,
];
