// Rows into panels: value i of every row goes to the same place of step i, `stride` bytes after step i − 1.

/** Spreads x [width] · scale over a panel: value i goes to `into + i · stride` bytes. */
export function packRow(x: usize, width: i32, into: usize, stride: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= width; i += 4, x += 16) {
    const v = f32x4.mul(v128.load(x), factor);
    v128.store_lane<u32>(into, v, 0);
    into += stride;
    v128.store_lane<u32>(into, v, 1);
    into += stride;
    v128.store_lane<u32>(into, v, 2);
    into += stride;
    v128.store_lane<u32>(into, v, 3);
    into += stride;
  }
  for (; i < width; i++, x += 4, into += stride) store<f32>(into, load<f32>(x) * scale);
}

/**
 * Packs up to eight rows side by side, four at a time: the stores, not the arithmetic, are what packing costs.
 *
 * @param sources addresses of the rows, usize [rows]
 */
export function packRows(sources: usize, rows: i32, width: i32, into: usize, stride: usize, scale: f32): void {
  for (; rows >= 4; rows -= 4, sources += 4 * sizeof<usize>(), into += 16) packFour(sources, width, into, stride, scale);
  for (; rows > 0; rows--, sources += sizeof<usize>(), into += 4) packRow(load<usize>(sources), width, into, stride, scale);
}

function packFour(sources: usize, width: i32, into: usize, stride: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  let a = load<usize>(sources), b = load<usize>(sources + sizeof<usize>());
  let c = load<usize>(sources + 2 * sizeof<usize>()), d = load<usize>(sources + 3 * sizeof<usize>());
  for (; width >= 4; width -= 4, a += 16, b += 16, c += 16, d += 16) {
    const va = v128.load(a), vb = v128.load(b), vc = v128.load(c), vd = v128.load(d);
    const ab = v128.shuffle<u32>(va, vb, 0, 4, 1, 5), cd = v128.shuffle<u32>(vc, vd, 0, 4, 1, 5);
    v128.store(into, f32x4.mul(v128.shuffle<u64>(ab, cd, 0, 2), factor));
    v128.store((into += stride), f32x4.mul(v128.shuffle<u64>(ab, cd, 1, 3), factor));
    const ab2 = v128.shuffle<u32>(va, vb, 2, 6, 3, 7), cd2 = v128.shuffle<u32>(vc, vd, 2, 6, 3, 7);
    v128.store((into += stride), f32x4.mul(v128.shuffle<u64>(ab2, cd2, 0, 2), factor));
    v128.store((into += stride), f32x4.mul(v128.shuffle<u64>(ab2, cd2, 1, 3), factor));
    into += stride;
  }
  for (; width > 0; width--, a += 4, b += 4, c += 4, d += 4, into += stride) {
    store<f32>(into, load<f32>(a) * scale);
    store<f32>(into, load<f32>(b) * scale, 4);
    store<f32>(into, load<f32>(c) * scale, 8);
    store<f32>(into, load<f32>(d) * scale, 12);
  }
}

/**
 * The other way round: four values that lie side by side, times a factor each, become value i of four rows.
 *
 * @param into addresses of the rows, usize [4]
 */
// @ts-ignore: decorator
@inline
export function unpackFour(from: usize, stride: usize, factors: v128, into: usize, width: i32): void {
  let a = load<usize>(into), b = load<usize>(into + sizeof<usize>());
  let c = load<usize>(into + 2 * sizeof<usize>()), d = load<usize>(into + 3 * sizeof<usize>());
  for (; width >= 4; width -= 4, a += 16, b += 16, c += 16, d += 16) {
    const v0 = f32x4.mul(v128.load(from), factors), v1 = f32x4.mul(v128.load((from += stride)), factors);
    const v2 = f32x4.mul(v128.load((from += stride)), factors), v3 = f32x4.mul(v128.load((from += stride)), factors);
    const low01 = v128.shuffle<u32>(v0, v1, 0, 4, 1, 5), low23 = v128.shuffle<u32>(v2, v3, 0, 4, 1, 5);
    v128.store(a, v128.shuffle<u64>(low01, low23, 0, 2));
    v128.store(b, v128.shuffle<u64>(low01, low23, 1, 3));
    const high01 = v128.shuffle<u32>(v0, v1, 2, 6, 3, 7), high23 = v128.shuffle<u32>(v2, v3, 2, 6, 3, 7);
    v128.store(c, v128.shuffle<u64>(high01, high23, 0, 2));
    v128.store(d, v128.shuffle<u64>(high01, high23, 1, 3));
    from += stride;
  }
  for (; width > 0; width--, a += 4, b += 4, c += 4, d += 4, from += stride) {
    const v = f32x4.mul(v128.load(from), factors);
    v128.store_lane<u32>(a, v, 0);
    v128.store_lane<u32>(b, v, 1);
    v128.store_lane<u32>(c, v, 2);
    v128.store_lane<u32>(d, v, 3);
  }
}
