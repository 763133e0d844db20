// Rows of the embedding table, widened. ids [rows] → [rows, width]

import { PANEL_COLUMNS } from "./parts/panels.ts";
import { BF16, F16, F32, widenOne, widenRow } from "./parts/widen.ts";

@unmanaged
class Embed {
  table: usize;
  /** u32 [rows] */
  ids: usize;
  /** [rows, width] */
  out: usize;
  width: i32;
  /** 1 if the table lies in column panels because products read it too, 0 if in plain rows. */
  panels: i32;
}

export function embedF32(args: Embed, row: i32, _scratch: usize): void {
  embed(F32, args, row);
}

export function embedBf16(args: Embed, row: i32, _scratch: usize): void {
  embed(BF16, args, row);
}

export function embedF16(args: Embed, row: i32, _scratch: usize): void {
  embed(F16, args, row);
}

// @ts-ignore: decorator
@inline
function embed(TYPE: i32, args: Embed, row: i32): void {
  const bytes: usize = TYPE === F32 ? 4 : 2;
  const id = load<u32>(args.ids + (<usize>row << 2));
  const rowBytes = <usize>args.width * bytes;
  const into = args.out + (<usize>(row * args.width) << 2);
  if (args.panels) {
    const panel = args.table + (<usize>id / PANEL_COLUMNS) * PANEL_COLUMNS * rowBytes;
    widenColumn(TYPE, panel + place(TYPE, id % PANEL_COLUMNS) * bytes, PANEL_COLUMNS * bytes, into, args.width);
  } else if (TYPE === F32) {
    memory.copy(into, args.table + <usize>id * rowBytes, rowBytes);
  } else {
    widenRow(TYPE, args.table + <usize>id * rowBytes, into, args.width);
  }
}

/** One column of a panel. */
// @ts-ignore: decorator
@inline
function widenColumn(TYPE: i32, from: usize, stride: usize, into: usize, width: i32): void {
  for (const end = into + (<usize>width << 2); into < end; into += 4, from += stride) store<f32>(into, widenOne(TYPE, from));
}

/** Where a column stands in a panel: 16-bit panels hold 0 4 1 5 2 6 3 7. */
// @ts-ignore: decorator
@inline
function place(TYPE: i32, column: u32): usize {
  if (TYPE === F32) return column;
  return column < 4 ? 2 * column : 2 * column - 7;
}
