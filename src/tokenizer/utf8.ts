/** The code point that starts at `at`; the bytes are well-formed UTF-8. */
export function codePointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return lead;
  const second = (bytes[at + 1] as number) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = (bytes[at + 2] as number) & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f);
}

/** Bytes that a code point takes in UTF-8. */
export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Writes a code point at `at` and returns the position behind it. */
export function writeCodePoint(bytes: Uint8Array, at: number, codePoint: number): number {
  const length = utf8Length(codePoint);
  if (length === 1) {
    bytes[at] = codePoint;
    return at + 1;
  }
  let rest = codePoint;
  for (let i = at + length - 1; i > at; i--) {
    bytes[i] = 0x80 | (rest & 0x3f);
    rest >>>= 6;
  }
  bytes[at] = ((0xf00 >> length) & 0xff) | rest;
  return at + length;
}

/** Where the character before `at` starts. */
export function previousStart(bytes: Uint8Array, at: number): number {
  let start = at - 1;
  while (((bytes[start] as number) & 0xc0) === 0x80) start--;
  return start;
}

/** The code points of [start, end). */
export function codePointsOf(bytes: Uint8Array, start: number, end: number): number[] {
  const codePoints: number[] = [];
  for (let at = start; at < end;) {
    const codePoint = codePointAt(bytes, at);
    codePoints.push(codePoint);
    at += utf8Length(codePoint);
  }
  return codePoints;
}
