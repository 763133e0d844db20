// The k largest values of each row and log Σ exp of the whole row. [rows, width] → [rows, 2·k + 1]

import { exp } from "./parts/exp.ts";
import { log } from "./parts/log.ts";

@unmanaged
class TopK {
  x: usize;
  /** Values, largest first; their columns, as float32; log Σ exp. */
  out: usize;
  width: i32;
  k: i32;
}

export function topK(args: TopK, row: i32, _scratch: usize): void {
  const x = args.x + (<usize>(row * args.width) << 2);
  const out = args.out + (<usize>(row * (2 * args.k + 1)) << 2);
  select(x, args.width, args.k, out);
  const largest = load<f32>(out);
  store<f32>(out + (<usize>args.k << 3), <f32>(<f64>largest + log(sumExp(x, args.width, largest))));
}

/** Keeps the k largest so far in order; a value gets in only if it is above the smallest of them. */
function select(x: usize, width: i32, k: i32, values: usize): void {
  const columns = values + (<usize>k << 2);
  let kept = 0;
  for (let column = 0; column < width; column += 4) {
    const lanes = min(4, width - column);
    if (kept === k && lanes === 4) {
      const smallest = f32x4.splat(load<f32>(values + (<usize>(k - 1) << 2)));
      if (!v128.any_true(f32x4.gt(v128.load(x + (<usize>column << 2)), smallest))) continue;
    }
    for (let lane = 0; lane < lanes; lane++) {
      const value = load<f32>(x + (<usize>(column + lane) << 2));
      if (kept < k) kept++;
      else if (!(value > load<f32>(values + (<usize>(k - 1) << 2)))) continue;
      insert(values, columns, kept - 1, value, <f32>(column + lane));
    }
  }
}

/** Puts a value into a sorted list whose last place, `last`, is free: after all that are not smaller. */
function insert(values: usize, columns: usize, last: i32, value: f32, column: f32): void {
  let at = <usize>last << 2;
  for (; at > 0 && load<f32>(values + at - 4) < value; at -= 4) {
    store<f32>(values + at, load<f32>(values + at - 4));
    store<f32>(columns + at, load<f32>(columns + at - 4));
  }
  store<f32>(values + at, value);
  store<f32>(columns + at, column);
}

/** Σ exp(x − largest), 256 values at a time in float32, those sums in float64. */
function sumExp(x: usize, width: i32, largest: f32): f64 {
  const shift = f32x4.splat(largest);
  let total: f64 = 0;
  let column = 0;
  while (column + 4 <= width) {
    const end = min(column + 256, width & ~3);
    let sums = f32x4.splat(0);
    for (; column < end; column += 4) {
      sums = f32x4.add(sums, exp(f32x4.sub(v128.load(x + (<usize>column << 2)), shift)));
    }
    total += <f64>f32x4.extract_lane(sums, 0) + <f64>f32x4.extract_lane(sums, 1);
    total += <f64>f32x4.extract_lane(sums, 2) + <f64>f32x4.extract_lane(sums, 3);
  }
  for (; column < width; column++) {
    const one = exp(f32x4.splat(load<f32>(x + (<usize>column << 2)) - largest));
    total += <f64>f32x4.extract_lane(one, 0);
  }
  return total;
}
