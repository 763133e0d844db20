import { codePointsOf, type Nfc } from "./nfc.ts";
import { codePointAt, utf8Length } from "./utf8.ts";

/** For every byte of a normalised text, the UTF-16 span of the original character it comes from. */
export interface Alignment {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** UTF-16 length of the original. */
  readonly length: number;
}

/** Alignment of a text that NFC leaves alone. */
export function alignPlain(bytes: Uint8Array): Alignment {
  const starts = new Uint32Array(bytes.length);
  const ends = new Uint32Array(bytes.length);
  let units = 0;
  for (let at = 0; at < bytes.length;) {
    const codePoint = codePointAt(bytes, at);
    const next = at + utf8Length(codePoint);
    const end = units + (codePoint > 0xffff ? 2 : 1);
    starts.fill(units, at, next);
    ends.fill(end, at, next);
    at = next;
    units = end;
  }
  return { starts, ends, length: units };
}

/**
 * Alignment of the NFC of `bytes`. As in the original, a composition has only the first of its characters, and the
 * later parts of a decomposition have the character before them.
 */
export function alignNormalized(bytes: Uint8Array, nfc: Nfc): Alignment {
  const original = codePointsOf(bytes, 0, bytes.length);
  const { codePoints, consumed } = nfc.normalizeRun(original);
  return align(original, codePoints, consumed);
}

function align(original: readonly number[], normalized: readonly number[], consumed: readonly number[]): Alignment {
  const boundaries = [0];
  for (const codePoint of original) boundaries.push((boundaries.at(-1) ?? 0) + (codePoint > 0xffff ? 2 : 1));
  const size = normalized.reduce((sum, codePoint) => sum + utf8Length(codePoint), 0);
  const starts = new Uint32Array(size);
  const ends = new Uint32Array(size);
  let at = 0;
  let taken = 0;
  for (const [index, codePoint] of normalized.entries()) {
    const count = consumed[index] ?? 0;
    const source = count > 0 ? taken : taken - 1;
    const next = at + utf8Length(codePoint);
    starts.fill(boundaries[source] ?? 0, at, next);
    ends.fill(source < 0 ? 0 : (boundaries[source + 1] as number), at, next);
    at = next;
    taken += count;
  }
  return { starts, ends, length: boundaries.at(-1) ?? 0 };
}
