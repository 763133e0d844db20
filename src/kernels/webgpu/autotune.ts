import type { GpuMatrix } from "./gpu-matrix.ts";
import type { GpuSession } from "./gpu-session.ts";
import type { Dispatch } from "./kernel.ts";
import { matmul } from "./matmul.ts";
import { type MatmulTile, ROW_BUCKETS } from "./matmul-tiles.ts";
import { type Contest, listContests, type ModelProducts } from "./tuning-contests.ts";
import { TuningScratch } from "./tuning-scratch.ts";
import { keepCompiling, type OnWarning } from "./refused-tiles.ts";
import type { TunedProduct, TuningStore } from "./tuning-store.ts";

/** Products of more floating point operations than this are timed once: they take long enough. */
const LARGE = 4e9;
/** Part of the time by which a tile must beat the one taken by rule. */
const LEAST_GAIN = 0.03;

/**
 * Teaches the session's planner the fastest tiles for a model's products, from the store or by timing.
 *
 * @param budget milliseconds after which no other product is begun: it gets its tile by rule, and its turn when a model
 *   is loaded again
 */
export async function autotune(
  session: GpuSession,
  model: ModelProducts,
  { store, budget, onWarning }: { readonly store: TuningStore; readonly budget: number; readonly onWarning: OnWarning },
): Promise<void> {
  const known = await store.read();
  const found: TunedProduct[] = [];
  const scratch = new TuningScratch(session.device);
  const contests = listContests(session, model, scratch).filter((contest) => {
    const tile = stored(known, contest);
    if (tile) session.learn(contest.group, contest.bucket, tile);
    return !tile;
  });
  if (contests.length === 0) return;
  try {
    const tiles = [...new Set(contests.flatMap(({ candidates }) => candidates))];
    const kept = await keepCompiling(session, tiles, onWarning, (tile) => {
      const own = contests.filter(({ candidates }) => candidates.includes(tile));
      return session.compile(own.flatMap((contest) => worksOf(session, contest, tile, scratch)));
    });
    const until = performance.now() + budget;
    for (const contest of contests) {
      const candidates = contest.candidates.filter((tile) => kept.has(tile));
      const tile = await fastest(session, { ...contest, candidates }, scratch);
      session.learn(contest.group, contest.bucket, tile);
      found.push({ ...placeOf(contest), tile: tile.name });
      if (performance.now() > until) break;
    }
  } finally {
    scratch.destroy();
  }
  const others = known.filter((old) => !found.some((tuned) => isAt(old, tuned)));
  if (found.length > 0) await store.write([...others, ...found]);
}

function stored(known: readonly TunedProduct[], contest: Contest): MatmulTile | undefined {
  const place = placeOf(contest);
  const entry = known.find((tuned) => isAt(tuned, place));
  return contest.candidates.find(({ name }) => name === entry?.tile);
}

type Place = Omit<TunedProduct, "tile">;

function placeOf({ group, bucket }: Contest): Place {
  const { columns, depth, dtype } = group;
  const most = ROW_BUCKETS[bucket]?.most ?? Infinity;
  return { columns, depth, dtype, rows: most === Infinity ? null : most };
}

function isAt(a: Place, b: Place): boolean {
  return a.columns === b.columns && a.depth === b.depth && a.dtype === b.dtype && a.rows === b.rows;
}

async function fastest(session: GpuSession, contest: Contest, scratch: TuningScratch): Promise<MatmulTile> {
  const usual = session.matmuls.usual({ rows: contest.rows, depth: contest.group.depth });
  const others = contest.candidates.filter((tile) => tile !== usual);
  const timeOf = new Map<MatmulTile, number>();
  // The usual one again at the end: an idle GPU takes a while to reach its clock. A submission for each, so that a slow
  // tile does not trip the driver's watchdog.
  for (const tile of [usual, ...others, usual]) {
    const times = await session.time(worksOf(session, contest, tile, scratch));
    timeOf.set(tile, Math.min(timeOf.get(tile) ?? Infinity, ...times.slice(1))); // the first one warms up
  }
  const toBeat = (timeOf.get(usual) ?? Infinity) * (1 - LEAST_GAIN);
  const rank = (tile: MatmulTile): number => (tile === usual ? toBeat : (timeOf.get(tile) ?? Infinity));
  return contest.candidates.toSorted((a, b) => rank(a) - rank(b))[0] ?? usual;
}

/** The same product with weights of several layers, so that no cache holds what a batch would have to read. */
function worksOf(session: GpuSession, { group, rows }: Contest, tile: MatmulTile, scratch: TuningScratch): Dispatch[] {
  const { matrices, depth, epilogue, timedColumns: columns } = group;
  const width = epilogue === "swiglu" ? columns / 2 : columns;
  const x = scratch.tensor("x", rows, depth);
  const out = scratch.tensor("out", rows, width);
  const residual = scratch.tensor("residual", rows, width);
  const context = { limits: session.device.limits, matmuls: { choose: () => tile } };
  const count = 2 * rows * columns * depth > LARGE ? 2 : 4;
  return Array.from({ length: count }, (_, i) => matrices[i % matrices.length] as GpuMatrix).flatMap((weight) =>
    matmul(context, { x, weight, weightRows: { start: 0, count: columns }, out, residual, epilogue }).slice(0, 1),
  );
}
