import type { Segment } from "../backend.ts";
import { rowsOfTile, type Tuning } from "./product.ts";
import { f32Bits, type Operand, type Recorder } from "./program.ts";
import { type WasmActivation, activation } from "./wasm-objects.ts";

/** Rows (tokens × heads of a group) of one tile at least, if there are so many. */
const LEAST_ROWS_PER_TILE = 96;
/** Rows of one tile at most: each tile fetches the keys and values it sees anew, but its own memory is to stay in the L2 cache. */
const MOST_ROWS_PER_TILE = 768;
/** Tiles per thread, so that threads end a job at nearly the same time. */
const TILES_PER_THREAD = 12;
/** Keys of a block (assembly/parts/attention-work.ts). */
const BLOCK_KEYS = 48;
/** Words of its Task. */
const TASK_WORDS = 8;
/** How its `scores` are computed. */
const SCORES = { F32: 0, I8: 3, I16: 4 } as const satisfies Record<Tuning["scores"], number>;
/** Values of a head from which on scores may be rounded: the errors of fewer do not average out (docs/wasm.md). */
const LEAST_ROUNDED_HEAD = 64;

export interface WasmAttentionInput {
  readonly q: WasmActivation;
  /** Keys and values, `[*, kvWidth]` each, here or in a cache. */
  readonly keys: Operand;
  readonly values: Operand;
  readonly kvWidth: number;
  readonly headDim: number;
  readonly segments: readonly Segment[];
  /**
   * Whether sequences grow over a cache, which keeps their scores float32: rounding all keys for one new token would take
   * longer than what it saves (1,024 keys, 0.6B shape: 83 → 114 ms a token), and a token must be the same in whichever pieces it came.
   */
  readonly growing: boolean;
  /** What the keys and values must wait for. */
  readonly after: Parameters<Recorder["step"]>[0]["inputs"];
}

/** softmax(q·kᵀ · D^-½) · v over what each segment's queries may see. q [Q, H·D], k, v [K, KV·D] → [Q, H·D] */
export function attention(
  recorder: Recorder,
  { threads, panelRows, tileColumns, dotProduct, ...tuning }: Tuning,
  input: WasmAttentionInput,
): WasmActivation {
  const { q, headDim, kvWidth, segments, growing } = input;
  const [heads, kvHeads] = [q.width / headDim, kvWidth / headDim];
  const group = heads / kvHeads;
  const queries = queriesPerTile(segments, { group, kvHeads, threads });
  const scores = SCORES[headDim < LEAST_ROUNDED_HEAD || growing ? "F32" : tuning.scores];
  const tasks = recorder.once(segments, `attention ${kvHeads} ${queries} ${scores}`, () => {
    return taskTable(segments, { kvHeads, queries, scores });
  });
  const out = activation(recorder, q.rows, q.width);
  const sizes = [heads, kvHeads, headDim, f32Bits(Math.LOG2E * headDim ** -0.5), panelRows, tileColumns];
  const rounding = [rowsOfTile(tuning.scores, panelRows), dotProduct.activationOffset];
  recorder.step({
    kernel: "attention",
    tiles: tasks.length / TASK_WORDS,
    args: [q.value, input.keys, input.values, out.value, tasks, ...sizes, ...rounding],
    inputs: [q.value, ...input.after],
    outputs: [out.value],
    scratchBytes: workBytes(queries * group, headDim, tileColumns),
  });
  return out;
}

/** Tokens of a tile: fewer where they are few, so that every thread has tiles. */
function queriesPerTile(
  segments: readonly Segment[],
  { group, kvHeads, threads }: { readonly group: number; readonly kvHeads: number; readonly threads: number },
): number {
  const tokens = segments.reduce((sum, { queryLength }) => sum + queryLength, 0);
  const rows = (tokens * group * kvHeads) / (threads * TILES_PER_THREAD);
  return Math.max(1, Math.floor(Math.min(MOST_ROWS_PER_TILE, Math.max(LEAST_ROWS_PER_TILE, rows)) / group));
}

interface TaskOptions {
  readonly kvHeads: number;
  /** Tokens of a tile at most. */
  readonly queries: number;
  /** One of SCORES. */
  readonly scores: number;
}

/** One task per key/value head and up to `queries` tokens of a segment, the longest first. */
function taskTable(segments: readonly Segment[], { kvHeads, queries, scores }: TaskOptions): Uint32Array {
  const tasks: { readonly work: number; readonly words: readonly number[] }[] = [];
  for (const { queryStart, queryLength, keyStart, keyLength, prefixStart, prefixLength } of segments) {
    for (let first = 0; first < queryLength; first += queries) {
      const count = Math.min(queries, queryLength - first);
      const visible = prefixLength + keyLength - queryLength + first + 1;
      for (let head = 0; head < kvHeads; head++) {
        const words = [queryStart + first, count, head, prefixStart, prefixLength, keyStart, visible, scores];
        tasks.push({ work: count * (visible + count), words });
      }
    }
  }
  tasks.sort((a, b) => b.work - a.work);
  return Uint32Array.from(tasks.flatMap(({ words }) => words));
}

/** Working memory of assembly/attention.ts for `rows` rows, whose queries may be rounded. */
function workBytes(rows: number, headDim: number, columns: number): number {
  const paddedRows = Math.ceil(rows / columns) * columns;
  const blockFloats = 1 + columns + 2 * (headDim + 4);
  return 512 + 4 * (paddedRows * (2 * headDim + 5) + BLOCK_KEYS * blockFloats + 2 * headDim);
}
