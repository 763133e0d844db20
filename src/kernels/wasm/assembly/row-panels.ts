// Lays activations out in row panels (parts/panels.ts): what products read. [rows, depth] → float32 row panels

import { packRow } from "./parts/pack-row.ts";
import { RowSource, placeOf, rowOf, strideOf } from "./parts/row-source.ts";

export function rowPanels(args: RowSource, tile: i32, scratch: usize): void {
  const first = tile * args.rowsPerTile;
  const end = min(first + args.rowsPerTile, args.rows);
  for (let row = first; row < end; row++) {
    packRow(rowOf(args, row, scratch), args.depth, placeOf(args, row, args.depth, 4, 1), strideOf(args, row, 4, 1), 1);
  }
}
