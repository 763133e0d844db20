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
  /** The matrix product in it, if that is nearly all of it: [rows, inner] × [inner, columns]. */
  readonly product?: { readonly columns: number; readonly inner: number };
  /** Loads the weights and returns what records the operation's inputs. */
  prepare(weights: BenchWeights): Promise<RecordInputs>;
}

/** Records inputs and returns what records run number `i` of the operation. */
export type RecordInputs = (recording: Recording) => (i: number) => Activation;

/** The rows of the tables that activations are made from: they need only be some numbers of the right width. */
const TABLE_ROWS = 64;
/** Tokens before those that a decode step asks about. */
const DECODE_KEYS = 1024;

type CaseMaker = (sizes: ConfigSizes, rows: number) => KernelCase;

const MAKERS: Readonly<Record<string, CaseMaker>> = {
  embed: (sizes, rows) => ({
    op: "embed",
    rows,
    flops: 0,
    bytes: rows * sizes.hidden_size * 6,
    async prepare(weights) {
      const table = await weights.table(TABLE_ROWS, sizes.hidden_size);
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
        const matrices = await weights.products(width, hidden);
        const layers = matrices.map((qkvProj) => ({
          qkvProj,
          numAttentionHeads: heads,
          numKeyValueHeads: kvHeads,
          qNorm: norm,
          kNorm: norm,
        }));
        const options = {
          positions: Uint32Array.from({ length: rows }, (_, i) => i),
          rotary: new RotaryEmbedding(dim, 1e6).upTo(rows),
        };
        return (recording) => {
          const x = input(recording);
          return (i) => recording.qkv(x, inTurn(layers, i), options).q;
        };
      },
    };
  },
  attention: (sizes, rows) => attentionCase("attention", sizes, rows, rows),
  "decode attention": (sizes, rows) => attentionCase("decode attention", sizes, rows, DECODE_KEYS + rows),
  oProj: ({ hidden_size: hidden, num_attention_heads: heads, head_dim: dim }, rows) =>
    linearCase("oProj", rows, hidden, heads * dim),
  gateUp: ({ hidden_size: hidden, intermediate_size: intermediate }, rows) => ({
    op: "gateUp",
    rows,
    ...product(rows, 2 * intermediate, hidden),
    async prepare(weights) {
      const input = await activation(weights, rows, hidden);
      const matrices = await weights.products(2 * intermediate, hidden);
      return (recording) => {
        const x = input(recording);
        return (i) => recording.gateUp(x, inTurn(matrices, i));
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

export function kernelCase(sizes: ConfigSizes, op: string, rows: number): KernelCase {
  const make = MAKERS[op];
  if (!make) throw new Error(`op '${op}': expected ${KERNEL_OPS.join(", ")}`);
  return make(sizes, rows);
}

/** x · Wᵀ of [rows, inner] and [columns, inner], weights in two bytes. */
function product(rows: number, columns: number, inner: number): Pick<KernelCase, "flops" | "bytes" | "product"> {
  return {
    flops: 2 * rows * columns * inner,
    bytes: 2 * columns * inner + 4 * rows * (columns + inner),
    product: { columns, inner },
  };
}

function inTurn<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}

function linearCase(op: string, rows: number, columns: number, inner: number): KernelCase {
  return {
    op,
    rows,
    ...product(rows, columns, inner),
    async prepare(weights) {
      const input = await activation(weights, rows, inner);
      const residualInput = await activation(weights, rows, columns);
      const matrices = await weights.products(columns, inner);
      return (recording) => {
        const [x, residual] = [input(recording), residualInput(recording)];
        return (i) => recording.linear(x, inTurn(matrices, i), { residual });
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
  const table = await weights.table(TABLE_ROWS, width);
  const tokens = ids(rows);
  return (recording) => recording.embed(table, tokens);
}

function ids(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, i) => (i * 7) % TABLE_ROWS);
}
