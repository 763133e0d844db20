import type { WeightDType } from "../../core/dtype.ts";
import type { Activation, DecoderShape, Ops, RotaryTable, Segment } from "../backend.ts";
import { activationOf, type CheckBackend, noise, OUTLIER, rowsWithOutliers, weightsOf } from "./check-operands.ts";
import type { EPILOGUE } from "./matmul.ts";
import type { MatmulTile } from "./matmul-tiles.ts";
import { dimensionsOf } from "./rehearsal.ts";

/** A few operations, recorded on the device and on the reference. */
export interface Check {
  readonly what: string;
  /** To be used for products. @default the planner's choice */
  readonly tile?: MatmulTile;
  record(backend: CheckBackend, ops: Ops): Promise<readonly Activation[]>;
}

/** Not a multiple of any tile's depth, so that the last step along K is a part of one. */
const DEPTH = 76;

export interface ProductVariant {
  readonly tile: MatmulTile;
  readonly dtype: WeightDType;
  readonly epilogue: keyof typeof EPILOGUE;
}

/** One tile and a bit more in both directions, ordinary rows and rows with outliers. */
export function productCheck({ tile, dtype, epilogue }: ProductVariant): Check {
  const rows = Math.min(tile.tileRows + 1, tile.mostRows ?? Infinity);
  const columns = tile.tileColumns + 6;
  const depth = Math.ceil(DEPTH / (tile.depthStep ?? 4)) * (tile.depthStep ?? 4);
  return {
    what: `${tile.name}, ${dtype}, ${epilogue}`,
    tile,
    async record(backend, ops) {
      const x = await activationOf(backend, ops, rowsWithOutliers(rows, depth, 1), depth);
      const weight = await backend.loadMatrix(weightsOf(columns, depth, dtype, 2), "product");
      if (epilogue === "swiglu") return [ops.gateUp(x, weight)];
      if (epilogue === "none") return [ops.linear(x, weight)];
      return [ops.linear(x, weight, { residual: await activationOf(backend, ops, noise(rows * columns, 3), columns) })];
    },
  };
}

export function embedCheck(dtype: WeightDType): Check {
  return {
    what: `embed, ${dtype}`,
    async record(backend, ops) {
      const table = await backend.loadMatrix(weightsOf(9, DEPTH, dtype, 4), "table");
      return [ops.embed(table, Uint32Array.of(8, 0, 3, 3, 5))];
    },
  };
}

/**
 * Everything but products and embeddings, at the model's widths, each after what it is built on.
 *
 * @param dtype of the model's products, which were checked before
 */
export function otherChecks(shape: DecoderShape, dtype: WeightDType): Check[] {
  const { hiddenSize, headDim } = shape;
  const hidden = (backend: CheckBackend, ops: Ops): Promise<Activation> =>
    activationOf(backend, ops, rowsWithOutliers(3, hiddenSize, 5), hiddenSize);
  return [
    {
      what: "gatherRows",
      record: async (backend, ops) => [ops.gatherRows(await hidden(backend, ops), Uint32Array.of(2, 0, 0, 1))],
    },
    {
      what: "rmsNorm",
      record: async (backend, ops) => [
        ops.rmsNorm(await hidden(backend, ops), backend.loadNorm("self-check", noise(hiddenSize, 6), 1e-6)),
      ],
    },
    {
      what: "normalize",
      async record(backend, ops) {
        const x = await hidden(backend, ops);
        return dimensionsOf(shape).map((dimensions) => ops.normalize(x, dimensions));
      },
    },
    { what: "qkv", record: (backend, ops) => recordQkv(shape, dtype, backend, ops) },
    ...ATTENTION_LENGTHS.map((lengths) => ({
      what: `attention, ${lengths.map(([queries, keys]) => `${queries} of ${keys}`).join(", ")}`,
      record: (backend: CheckBackend, ops: Ops) => recordAttention(headDim, headsPerKv(shape), lengths, backend, ops),
    })),
  ];
}

export function topKCheck({ vocabSize }: DecoderShape): Check {
  return {
    what: "topK",
    async record(backend, ops) {
      const logits = noise(2 * vocabSize, 7);
      for (const column of [vocabSize - 1, vocabSize >> 1, 0]) logits[column] = 2; // equal ones: the lower column is first
      logits[vocabSize + (vocabSize >> 2)] = OUTLIER;
      return [ops.topK(await activationOf(backend, ops, logits, vocabSize), Math.min(5, vocabSize))];
    },
  };
}

function headsPerKv({ numAttentionHeads, numKeyValueHeads }: DecoderShape): number {
  return numAttentionHeads / numKeyValueHeads;
}

/** Two key/value heads, eight rows. */
async function recordQkv(
  shape: DecoderShape,
  dtype: WeightDType,
  backend: CheckBackend,
  ops: Ops,
): Promise<Activation[]> {
  const { headDim } = shape;
  const heads = 2 * headsPerKv(shape);
  const x = await activationOf(backend, ops, rowsWithOutliers(8, DEPTH, 8), DEPTH);
  const qkvProj = await backend.loadMatrix(weightsOf((heads + 4) * headDim, DEPTH, dtype, 9), "product");
  const qNorm = backend.loadNorm("self-check", noise(headDim, 10), 1e-6);
  const kNorm = backend.loadNorm("self-check", noise(headDim, 11), 1e-6);
  const weights = { qkvProj, numAttentionHeads: heads, numKeyValueHeads: 2, qNorm, kNorm };
  const positions = Uint32Array.of(0, 1, 2, 0, 1, 4, 2, 3);
  const { q, k, v } = ops.qkv(x, weights, { positions, rotary: angles(5, headDim) });
  return [q, k, v];
}

function angles(positions: number, headDim: number): RotaryTable {
  const halfDim = headDim / 2;
  const turns = noise(positions * halfDim, 12).map((value) => value * Math.PI);
  return { positions, halfDim, cos: turns.map(Math.cos), sin: turns.map(Math.sin) };
}

/** Queries of keys: sequences in the rows' order. Whole ones, as in a batch; single queries of many keys, as in generation. */
const ATTENTION_LENGTHS: readonly (readonly (readonly [queries: number, keys: number])[])[] = [
  [[1, 1], [33, 33], [6, 6]],
  [[1, 700], [1, 41]],
]; // oxfmt-ignore

async function recordAttention(
  headDim: number,
  group: number,
  lengths: readonly (readonly [queries: number, keys: number])[],
  backend: CheckBackend,
  ops: Ops,
): Promise<Activation[]> {
  const segments = segmentsOf(lengths);
  const [queries, keys] = [0, 1].map((part) => lengths.reduce((sum, length) => sum + (length[part] ?? 0), 0));
  const [qWidth, kvWidth] = [2 * group * headDim, 2 * headDim];
  const q = noise((queries ?? 0) * qWidth, 13);
  const k = noise((keys ?? 0) * kvWidth, 14);
  const v = noise((keys ?? 0) * kvWidth, 15);
  if ((queries ?? 0) > lengths.length) {
    // Seen by the last queries of the second sequence alone: a key that outdoes all others in the first heads, whose score
    // is some ten thousands, and a value. The other rows must be right without them.
    const late = (lengths[0]?.[1] ?? 0) + (lengths[1]?.[1] ?? 0) - 1;
    for (let row = 0; row * qWidth < q.length; row++) q[row * qWidth] = 1;
    k[(late - 2) * kvWidth] = OUTLIER;
    v[late * kvWidth + 1] = OUTLIER;
  }
  const qkv = {
    q: await activationOf(backend, ops, q, qWidth),
    k: await activationOf(backend, ops, k, kvWidth),
    v: await activationOf(backend, ops, v, kvWidth),
  };
  return [ops.attention(qkv, { headDim, segments })];
}

/** The last sequence also sees the first one's first keys. */
function segmentsOf(lengths: readonly (readonly [queries: number, keys: number])[]): Segment[] {
  let queryStart = 0;
  let keyStart = 0;
  return lengths.map(([queryLength, keyLength], i) => {
    const prefixLength = i === lengths.length - 1 ? (lengths[0]?.[1] ?? 0) : 0;
    const segment = { queryStart, queryLength, keyStart, keyLength, prefixStart: 0, prefixLength };
    queryStart += queryLength;
    keyStart += keyLength;
    return segment;
  });
}
