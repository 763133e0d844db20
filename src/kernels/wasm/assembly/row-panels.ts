// Lays activations out in row panels (parts/panels.ts): what products read. [rows, depth] → row panels

import { panelRows, panelStart } from "./parts/panels.ts";
import { packRow } from "./parts/pack-row.ts";

@unmanaged
class RowPanels {
  /** [*, depth] */
  x: usize;
  into: usize;
  rows: i32;
  depth: i32;
  panels: i32;
  panelsPerTile: i32;
  /** u32 [rows], which rows of x; 0 for all of them in order. */
  index: usize;
}

export function rowPanels(args: RowPanels, tile: i32, _scratch: usize): void {
  const first = tile * args.panelsPerTile;
  const end = min(first + args.panelsPerTile, args.panels);
  let row = panelStart(first, args.rows, args.panels);
  for (let panel = first; panel < end; panel++) {
    const rows = panelRows(panel, args.rows, args.panels);
    const into = args.into + (<usize>(row * args.depth) << 2);
    for (let i = 0; i < rows; i++, row++) {
      const source = args.index ? load<u32>(args.index + (<usize>row << 2)) : row;
      packRow(args.x + (<usize>(source * args.depth) << 2), args.depth, into + (<usize>i << 2), <usize>rows << 2, 1);
    }
  }
}
