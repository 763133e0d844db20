import type { GpuSession } from "./gpu-session.ts";
import type { MatmulTile } from "./matmul-tiles.ts";

/** Told about what works, but not as well as it should. */
export type OnWarning = (message: string) => void;

/** Compiles what each tile needs, all at once. A tile that the adapter refuses is not used again. @returns the others */
export async function keepCompiling(
  session: GpuSession,
  tiles: readonly MatmulTile[],
  onWarning: OnWarning,
  compile: (tile: MatmulTile) => Promise<void>,
): Promise<ReadonlySet<MatmulTile>> {
  const kept = new Set(tiles);
  const tryOne = async (tile: MatmulTile): Promise<void> => {
    try {
      await compile(tile);
    } catch (cause) {
      kept.delete(tile);
      session.distrust(tile);
      onWarning(`${String(cause)}; another kernel takes its place`);
    }
  };
  await Promise.all(tiles.map(tryOne));
  return kept;
}
