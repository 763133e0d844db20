// Two layouts make every product a walk over consecutive memory.
//
// Row panels hold activations [rows, depth]: up to six rows side by side, [depth, panelRows], so that a register tile
// reads one value of each row from one cache line. The rows are split as evenly as possible, never padded: panel p of
// `count` starts at row p·⌊rows/count⌋ + min(p, rows mod count), and the whole takes exactly rows · depth values.
//
// Column panels hold weights [columns, depth]: eight columns (output features) side by side, [depth, 8]. 16-bit values
// are stored in the order 0 4 1 5 2 6 3 7, so that shifts by 16 yield columns 0–3 and columns 4–7 (widen.ts).

/** Columns of a column panel. */
export const PANEL_COLUMNS: i32 = 8;

/** First row of row panel `panel`. */
// @ts-ignore: decorator
@inline
export function panelStart(panel: i32, rows: i32, count: i32): i32 {
  return panel * (rows / count) + min(panel, rows % count);
}

/** Rows of row panel `panel`. */
// @ts-ignore: decorator
@inline
export function panelRows(panel: i32, rows: i32, count: i32): i32 {
  return rows / count + i32(panel < rows % count);
}

/** The row panel that holds row `row`. */
export function panelOf(row: i32, rows: i32, count: i32): i32 {
  const small = rows / count;
  const inLarge = (rows % count) * (small + 1);
  return row < inLarge ? row / (small + 1) : rows % count + (row - inLarge) / small;
}
