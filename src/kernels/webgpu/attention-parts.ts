import type { Segment } from "../backend.ts";

/** How a segment's keys are cut. */
export interface SegmentParts {
  readonly count: number;
  /** Keys of a part; the last may have fewer. */
  readonly keys: number;
  /** Where its results lie: row firstRow + part · queryLength + query. */
  readonly firstRow: number;
}

/** Attention in two steps: over parts of the keys, then over the parts. */
export interface KeyParts {
  /** Of all parts together. */
  readonly rows: number;
  /** In the order of the segments. */
  readonly segments: readonly SegmentParts[];
}

/** Query rows beyond which there are enough workgroups without cutting the keys. */
const MOST_QUERY_ROWS = 16;
/** Workgroups that keep a large GPU busy. */
const ENOUGH_WORKGROUPS = 256;
/** Keys that are worth a workgroup and a share of the second step. */
const LEAST_KEYS = 256;
/** Keys per step of the shaders. */
const STEP = 16;

/** Cuts long keys of few query rows, as in decoding, where a workgroup per head would leave most of a GPU idle. */
export function planParts(segments: readonly Segment[], keyValueHeads: number): KeyParts | undefined {
  const queryRows = segments.reduce((sum, { queryLength }) => sum + queryLength, 0);
  if (queryRows > MOST_QUERY_ROWS) return undefined;
  const wanted = Math.ceil(ENOUGH_WORKGROUPS / (keyValueHeads * segments.length));
  let rows = 0;
  const cut = segments.map(({ queryLength, keyLength, prefixLength }) => {
    const all = prefixLength + keyLength;
    const most = Math.max(1, Math.min(wanted, Math.floor(all / LEAST_KEYS)));
    const keys = Math.ceil(all / most / STEP) * STEP;
    const parts = { count: Math.ceil(all / keys), keys, firstRow: rows };
    rows += parts.count * queryLength;
    return parts;
  });
  return cut.some(({ count }) => count > 1) ? { rows, segments: cut } : undefined;
}

/** The shader's struct `Merge` for every query row. */
export function mergeWords(segments: readonly Segment[], parts: KeyParts, queryRows: number): Uint32Array {
  const words = new Uint32Array(3 * queryRows);
  for (const [i, { queryStart, queryLength }] of segments.entries()) {
    const { firstRow, count } = parts.segments[i] as SegmentParts;
    for (let j = 0; j < queryLength; j++) words.set([firstRow + j, count, queryLength], 3 * (queryStart + j));
  }
  return words;
}
