/** The shortest of 7, 8 or 9 digits that is read back as the same float32; nine always are. */
function numberText(value: number): string {
  for (const digits of [7, 8]) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

export function vectorText(vector: Float32Array): string {
  return Array.from(vector, numberText).join(",");
}
