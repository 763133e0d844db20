import type { Activation, DecoderShape, Matrix, QkvWeights, RotaryTable, Segment } from "../backend.ts";
import type { GpuMatrix } from "./gpu-matrix.ts";
import type { GpuNorm } from "./gpu-norm.ts";
import type { HostTable } from "../host-table.ts";
import type { GpuSession } from "./gpu-session.ts";
import type { Dispatch } from "./kernel.ts";
import type { MatmulShape } from "./matmul-planner.ts";
import { ROW_BUCKETS } from "./matmul-tiles.ts";
import { WebGpuRecording } from "./webgpu-recording.ts";

/** What was loaded, as far as kernels differ by it: one weight of each size and dtype. */
export interface ModelWeights {
  readonly shape: DecoderShape;
  readonly matrices: readonly GpuMatrix[];
  readonly tables: readonly HostTable[];
  readonly norms: readonly GpuNorm[];
}

/** What a layer does with a product. */
export type ProductRole = "qkv" | "o" | "gate-up" | "down" | "head";

/** The uses that a model can have for a matrix of this size; a head is whatever reads the residual stream besides. */
export function rolesOf({ rows, columns }: Matrix, shape: DecoderShape): ProductRole[] {
  const { hiddenSize, intermediateSize, numAttentionHeads, numKeyValueHeads, headDim } = shape;
  const queryWidth = numAttentionHeads * headDim;
  const sizes: Record<Exclude<ProductRole, "head">, Pick<MatmulShape, "columns" | "depth">> = {
    qkv: { columns: queryWidth + 2 * numKeyValueHeads * headDim, depth: hiddenSize },
    o: { columns: hiddenSize, depth: queryWidth },
    "gate-up": { columns: 2 * intermediateSize, depth: hiddenSize },
    down: { columns: hiddenSize, depth: intermediateSize },
  };
  const roles = Object.entries(sizes).filter(([, size]) => size.columns === rows && size.depth === columns);
  if (roles.length === 0 && columns === hiddenSize) return ["head"];
  return roles.map(([role]) => role as ProductRole);
}

/**
 * Everything that a model asks of its kernels, by planning batches without running them: of every bucket of rows, of one
 * long sequence and of many short ones, all rows or the last ones wanted, with and without many keys before them.
 */
export async function rehearse(session: GpuSession, weights: ModelWeights): Promise<Dispatch[]> {
  const dispatches: Dispatch[] = [];
  const samples = ROW_BUCKETS.map(({ sample }) => sample);
  for (const tokens of samples) {
    for (const sequences of samples) {
      if (sequences > tokens) continue;
      const ops = new WebGpuRecording(async (program) => {
        dispatches.push(...session.rehearse(program));
        return [];
      });
      await ops.read(...recordBatch(ops, weights, { tokens, sequences }));
    }
  }
  return dispatches;
}

interface BatchSize {
  readonly tokens: number;
  readonly sequences: number;
}

function recordBatch(ops: WebGpuRecording, weights: ModelWeights, { tokens, sequences }: BatchSize): Activation[] {
  const { shape, norms } = weights;
  const table = [...weights.tables, ...weights.matrices].find((matrix) => isTable(matrix, shape));
  const norm = norms.find(({ width }) => width === shape.hiddenSize);
  const headNorm = norms.find(({ width }) => width === shape.headDim);
  if (!table || !norm || !headNorm) return [];

  const products = (role: ProductRole): GpuMatrix[] => weights.matrices.filter((m) => rolesOf(m, shape).includes(role));
  const x = ops.gatherRows(ops.embed(table, new Uint32Array(1)), new Uint32Array(tokens));
  const lastRows = new Uint32Array(sequences);
  const normed = ops.rmsNorm(x, norm);
  const attended = products("qkv").flatMap((qkvProj) => attend(ops, normed, { qkvProj, headNorm, shape, lastRows }));
  const residual = (rows: number): Activation => ops.gatherRows(x, new Uint32Array(rows));
  const add = (part: Activation, weight: GpuMatrix): Activation =>
    ops.linear(part, weight, { residual: residual(part.rows) });
  const mixed = products("o").flatMap((o) => attended.map((part) => add(part, o)));
  const gated = products("gate-up").flatMap((gateUp) => mixed.map((part) => ops.gateUp(part, gateUp)));
  const output = products("down").flatMap((down) => gated.map((part) => add(part, down)));
  const heads = products("head").map((head) => ops.linear(ops.gatherRows(x, lastRows), head));
  const candidates = heads.filter(({ width }) => width > 2).map((logits) => ops.topK(logits, 1));
  const vectors = dimensionsOf(shape).map((dimensions) => ops.normalize(x, dimensions));
  return [...output, ...heads, ...candidates, ...vectors];
}

interface AttentionParts {
  readonly qkvProj: GpuMatrix;
  readonly headNorm: GpuNorm;
  readonly shape: DecoderShape;
  readonly lastRows: Uint32Array;
}

/** Of every row, of each sequence's last row, and of single rows that see many keys, as in generation. */
function attend(ops: WebGpuRecording, x: Activation, parts: AttentionParts): Activation[] {
  const { qkvProj, headNorm, lastRows, shape } = parts;
  const { numAttentionHeads, numKeyValueHeads, headDim } = shape;
  const weights: QkvWeights = { qkvProj, numAttentionHeads, numKeyValueHeads, qNorm: headNorm, kNorm: headNorm };
  const rotary: RotaryTable = { positions: 0, halfDim: 0, cos: new Float32Array(), sin: new Float32Array() };
  const options = { positions: new Uint32Array(x.rows), rotary };
  const all = ops.qkv(x, weights, options);
  const last = ops.qkv(x, weights, { ...options, queryRows: lastRows });
  const length = Math.floor(x.rows / lastRows.length);
  return [
    ops.attention(all, { headDim, segments: segmentsOf(lastRows.length, length, length) }),
    ops.attention(last, { headDim, segments: segmentsOf(lastRows.length, 1, length) }),
    ops.attention(last, { headDim, segments: segmentsOf(lastRows.length, 1, 8192) }),
  ];
}

function segmentsOf(sequences: number, queryLength: number, keyLength: number): Segment[] {
  const noPrefix = { prefixStart: 0, prefixLength: 0 };
  return Array.from({ length: sequences }, (_, i) => {
    return { queryStart: i * queryLength, queryLength, keyStart: 0, keyLength, ...noPrefix };
  });
}

/** The lengths of vectors for which kernels may differ: they are cut to any, but to powers of two most of all. */
export function dimensionsOf({ hiddenSize }: DecoderShape): number[] {
  return [hiddenSize, 2048, 1024, 512, 256, 128].filter((dimensions) => dimensions <= hiddenSize);
}

function isTable({ rows, columns }: Matrix, { vocabSize, hiddenSize }: DecoderShape): boolean {
  return rows === vocabSize && columns === hiddenSize;
}
