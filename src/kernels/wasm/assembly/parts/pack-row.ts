/** Spreads x [width] · scale over a row panel: value i goes to `into + i · stride` bytes. */
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
