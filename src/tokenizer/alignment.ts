import type { Nfc } from "./nfc.ts";
import { codePointAt, codePointsOf, utf8Length } from "./utf8.ts";

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
  const normalized = nfc.normalize(original);
  const boundaries = new Uint32Array(original.length + 1);
  for (const [i, codePoint] of original.entries()) {
    boundaries[i + 1] = (boundaries[i] as number) + (codePoint > 0xffff ? 2 : 1);
  }
  let size = 0;
  for (let i = 0; i < normalized.length; i++) size += utf8Length(normalized.codePoint(i));
  const starts = new Uint32Array(size);
  const ends = new Uint32Array(size);
  let at = 0;
  let taken = 0;
  for (let i = 0; i < normalized.length; i++) {
    const consumed = normalized.consumed(i);
    const source = consumed > 0 ? taken : taken - 1;
    const next = at + utf8Length(normalized.codePoint(i));
    starts.fill(boundaries[source] ?? 0, at, next);
    ends.fill(source < 0 ? 0 : (boundaries[source + 1] as number), at, next);
    at = next;
    taken += consumed;
  }
  return { starts, ends, length: boundaries.at(-1) ?? 0 };
}
