/** Rounds float32 values to bf16 (nearest, ties to even) and returns their little-endian bytes. NaN stays NaN. */
export function narrowToBf16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint8Array(values.length * 2);
  for (let i = 0; i < bits.length; i++) {
    const half = roundToUpperHalf(bits[i] as number);
    out[2 * i] = half;
    out[2 * i + 1] = half >>> 8;
  }
  return out;
}

/** The upper 16 bits of a float32, rounded by the lower 16. */
function roundToUpperHalf(bits: number): number {
  const isNaN = (bits & 0x7fffffff) > 0x7f800000;
  if (isNaN) return (bits >>> 16) | 0x40; // a NaN whose payload sits in the lower half must not become infinity
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
