// Lays stored weights out in column panels (parts/panels.ts), once, at load. [columns, depth] → column panels

import { PANEL_COLUMNS } from "./parts/panels.ts";

@unmanaged
class ColumnPanels {
  /** Stored rows of the matrix, one per column of the product: the first, the second, and the bytes to the next but one. */
  even: usize;
  odd: usize;
  step: usize;
  /** The panel of the first of these rows. */
  into: usize;
  columns: i32;
  depth: i32;
}

/** One panel of 32-bit weights; columns beyond the last are zero. */
export function columnPanels32(args: ColumnPanels, panel: i32, _scratch: usize): void {
  const first = panel * PANEL_COLUMNS;
  const count = min(PANEL_COLUMNS, args.columns - first);
  const rowBytes = <usize>args.depth << 2;
  const into = args.into + <usize>first * rowBytes;
  if (count < PANEL_COLUMNS) memory.fill(into, 0, PANEL_COLUMNS * rowBytes);
  for (let column = 0; column < count; column++) {
    let at = rowAt(args, first + column);
    let to = into + (<usize>column << 2);
    for (const end = at + rowBytes; at < end; at += 4, to += 32) store<u32>(to, load<u32>(at));
  }
}

/** One panel of 16-bit weights, columns in the order 0 4 1 5 2 6 3 7; columns beyond the last are zero. */
export function columnPanels16(args: ColumnPanels, panel: i32, _scratch: usize): void {
  const first = panel * PANEL_COLUMNS;
  const count = min(PANEL_COLUMNS, args.columns - first);
  const rowBytes = <usize>args.depth << 1;
  const into = args.into + <usize>first * rowBytes;
  const even = rowAt(args, first), odd = rowAt(args, first + 1);
  let depth = 0;
  if (count === PANEL_COLUMNS) {
    for (; depth + 8 <= args.depth; depth += 8) {
      const offset = <usize>depth << 1;
      interleave(even + offset, odd + offset, args.step, into + (offset << 3));
    }
  } else {
    memory.fill(into, 0, PANEL_COLUMNS * rowBytes);
  }
  for (; depth < args.depth; depth++) {
    for (let column = 0; column < count; column++) {
      const place = column < 4 ? 2 * column : 2 * column - 7;
      const value = load<u16>(rowAt(args, first + column) + (<usize>depth << 1));
      store<u16>(into + (<usize>(depth * PANEL_COLUMNS + place) << 1), value);
    }
  }
}

function rowAt(args: ColumnPanels, row: i32): usize {
  return (row & 1 ? args.odd : args.even) + <usize>(row >> 1) * args.step;
}

/** Transposes eight rows of eight 16-bit values by merging pairs three times. */
function interleave(even: usize, odd: usize, step: usize, into: usize): void {
  const r0 = v128.load(even), r2 = v128.load(even += step), r4 = v128.load(even += step), r6 = v128.load(even += step);
  const r1 = v128.load(odd), r3 = v128.load(odd += step), r5 = v128.load(odd += step), r7 = v128.load(odd += step);
  // Pairs (0 4) (1 5) (2 6) (3 7): lanes of 16 bits, low and high halves of the depth.
  const a0 = low16(r0, r4), a1 = high16(r0, r4), b0 = low16(r1, r5), b1 = high16(r1, r5);
  const c0 = low16(r2, r6), c1 = high16(r2, r6), d0 = low16(r3, r7), d1 = high16(r3, r7);
  // (0 4 1 5) and (2 6 3 7): lanes of 32 bits.
  const e0 = low32(a0, b0), e1 = high32(a0, b0), e2 = low32(a1, b1), e3 = high32(a1, b1);
  const f0 = low32(c0, d0), f1 = high32(c0, d0), f2 = low32(c1, d1), f3 = high32(c1, d1);
  v128.store(into, low64(e0, f0));
  v128.store(into, high64(e0, f0), 16);
  v128.store(into, low64(e1, f1), 32);
  v128.store(into, high64(e1, f1), 48);
  v128.store(into, low64(e2, f2), 64);
  v128.store(into, high64(e2, f2), 80);
  v128.store(into, low64(e3, f3), 96);
  v128.store(into, high64(e3, f3), 112);
}

// @ts-ignore: decorator
@inline
function low16(a: v128, b: v128): v128 { return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
// @ts-ignore: decorator
@inline
function high16(a: v128, b: v128): v128 { return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
// @ts-ignore: decorator
@inline
function low32(a: v128, b: v128): v128 { return v128.shuffle<u32>(a, b, 0, 4, 1, 5); }
// @ts-ignore: decorator
@inline
function high32(a: v128, b: v128): v128 { return v128.shuffle<u32>(a, b, 2, 6, 3, 7); }
// @ts-ignore: decorator
@inline
function low64(a: v128, b: v128): v128 { return v128.shuffle<u64>(a, b, 0, 2); }
// @ts-ignore: decorator
@inline
function high64(a: v128, b: v128): v128 { return v128.shuffle<u64>(a, b, 1, 3); }
