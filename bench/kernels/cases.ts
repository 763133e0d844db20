import type { Activation, Recording, Segment } from "../../src/kernels/backend.ts";
import { RotaryEmbedding } from "../../src/model/rotary.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import type { BenchWeights } from "./bench-weights.ts";

/** One operation at one size. */
export interface KernelCase {
  readonly op: string;
  readonly rows: number;
  readonly flops: number;
  /** Weights read once, activations read and written once. */
  readonly bytes: number;
  /** Loads the weights and returns what records the operation's inputs, which in turn returns what records one run of it. */
  prepare(weights: BenchWeights): Promise<(recording: Recording) => () => Activation>;
}

/** The rows of the tables that activations are made from: they need only be some numbers of the right width. */
const TABLE_ROWS = 64;
/** Keys that a decode step looks at. */
const DECODE_KEYS = 1024;

type CaseMaker = (sizes: ConfigSizes, rows: number) => KernelCase;

const MAKERS: Readonly<Record<string, CaseMaker>> = {
  embed: (sizes, rows) => ({
    op: "embed",
    rows,
    flops: 0,
    bytes: rows * sizes.hidden_size * 6,
    async prepare(weights) {
      const table = await weights.matrix(TABLE_ROWS, sizes.hidden_size, "table");
      const tokens = ids(rows);
      return (recording) => () => recording.embed(table, tokens);
    },
  }),
  rmsNorm: ({ hidden_size: hidden }, rows) => ({
    op: "rmsNorm",
    rows,
    flops: 4 * rows * hidden,
    bytes: 8 * rows * hidden,
    async prepare(weights) {
      const input = await activation(weights, rows, hidden);
      const norm = weights.norm(hidden);
      return (recording) => {
        const x = input(recording);
        return () => recording.rmsNorm(x, norm);
      };
    },
  }),
  qkv: (sizes, rows) => {
    const { hidden_size: hidden, num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: dim } = sizes;
    const width = (heads + 2 * kvHeads) * dim;
    return {
      op: "qkv",
      rows,
      ...product(rows, width, hidden),
      async prepare(weights) {
        const input = await activation(weights, rows, hidden);
        const norm = weights.norm(dim);
        const layer = {
          qkvProj: await weights.matrix(width, hidden),
          numAttentionHeads: heads,
          numKeyValueHeads: kvHeads,
          qNorm: norm,
          kNorm: norm,
        };
        const options = {
          positions: Uint32Array.from({ length: rows }, (_, i) => i),
          rotary: new RotaryEmbedding(dim, 1e6).upTo(rows),
        };
        return (recording) => {
          const x = input(recording);
          return () => recording.qkv(x, layer, options).q;
        };
      },
    };
  },
  attention: (sizes, rows) => attentionCase("attention", sizes, rows, rows),
  "decode attention": (sizes, rows) => attentionCase("decode attention", sizes, rows, DECODE_KEYS),
  oProj: ({ hidden_size: hidden, num_attention_heads: heads, head_dim: dim }, rows) =>
    linearCase("oProj", rows, hidden, heads * dim),
  gateUp: ({ hidden_size: hidden, intermediate_size: intermediate }, rows) => ({
    op: "gateUp",
    rows,
    ...product(rows, 2 * intermediate, hidden),
    async prepare(weights) {
      const input = await activation(weights, rows, hidden);
      const matrix = await weights.matrix(2 * intermediate, hidden);
      return (recording) => {
        const x = input(recording);
        return () => recording.gateUp(x, matrix);
      };
    },
  }),
  downProj: ({ hidden_size: hidden, intermediate_size: intermediate }, rows) =>
    linearCase("downProj", rows, hidden, intermediate),
  normalize: ({ hidden_size: hidden }, rows) => ({
    op: "normalize",
    rows,
    flops: 3 * rows * hidden,
    bytes: 8 * rows * hidden,
    async prepare(weights) {
      const input = await activation(weights, rows, hidden);
      return (recording) => {
        const x = input(recording);
        return () => recording.normalize(x, hidden);
      };
    },
  }),
};

export const KERNEL_OPS: readonly string[] = Object.keys(MAKERS);

/** The cases of one model shape, largest products last. A decode step has one row. */
export function kernelCases(sizes: ConfigSizes, ops: readonly string[], rowCounts: readonly number[]): KernelCase[] {
  return ops.flatMap((op) => {
    const make = MAKERS[op];
    if (!make) throw new Error(`op '${op}': expected ${KERNEL_OPS.join(", ")}`);
    return (op === "decode attention" ? [1] : rowCounts).map((rows) => make(sizes, rows));
  });
}

/** x · Wᵀ of [rows, inner] and [columns, inner], weights in two bytes. */
function product(rows: number, columns: number, inner: number): { readonly flops: number; readonly bytes: number } {
  return { flops: 2 * rows * columns * inner, bytes: 2 * columns * inner + 4 * rows * (columns + inner) };
}

function linearCase(op: string, rows: number, columns: number, inner: number): KernelCase {
  return {
    op,
    rows,
    ...product(rows, columns, inner),
    async prepare(weights) {
      const input = await activation(weights, rows, inner);
      const residualInput = await activation(weights, rows, columns);
      const matrix = await weights.matrix(columns, inner);
      return (recording) => {
        const [x, residual] = [input(recording), residualInput(recording)];
        return () => recording.linear(x, matrix, { residual });
      };
    },
  };
}

/** One sequence of `keys` tokens, of which the last `rows` ask. */
function attentionCase(op: string, sizes: ConfigSizes, rows: number, keys: number): KernelCase {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: dim } = sizes;
  const pairs = rows * keys - (rows * (rows - 1)) / 2; // the causal triangle, with its diagonal
  const segment: Segment = {
    queryStart: 0,
    queryLength: rows,
    keyStart: 0,
    keyLength: keys,
    prefixStart: 0,
    prefixLength: 0,
  };
  return {
    op,
    rows,
    flops: 4 * pairs * heads * dim,
    bytes: 8 * (rows * heads + keys * kvHeads) * dim,
    async prepare(weights) {
      const queries = await activation(weights, rows, heads * dim);
      const keyValues = await activation(weights, keys, kvHeads * dim);
      return (recording) => {
        const qkv = { q: queries(recording), k: keyValues(recording), v: keyValues(recording) };
        return () => recording.attention(qkv, { headDim: dim, segments: [segment] });
      };
    },
  };
}

/** Records some [rows, width]. */
async function activation(
  weights: BenchWeights,
  rows: number,
  width: number,
): Promise<(recording: Recording) => Activation> {
  const table = await weights.matrix(TABLE_ROWS, width, "table");
  const tokens = ids(rows);
  return (recording) => recording.embed(table, tokens);
}

function ids(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, i) => (i * 7) % TABLE_ROWS);
}
