const MIX = 0x9e3779b1;

/** Bytes that must be readable behind every byte string given to `hashBytes`, whatever they hold. */
export const READ_AHEAD = 4;

const MASKS = [0, 0xff, 0xffff, 0xffffff];

/**
 * Hash of `length` bytes at `start`, read four at a time; the last four overlap the ones before them where the length is not a
 * multiple of four. Every bit of the result depends on every byte.
 */
export function hashBytes(view: DataView, start: number, length: number): number {
  const first = view.getInt32(start, true);
  if (length < 4) return finish(Math.imul((first & (MASKS[length] as number)) ^ length, MIX));
  let hash = Math.imul(first ^ length, MIX);
  const last = start + length - 4;
  for (let at = start + 4; at < last; at += 4) hash = Math.imul(mix(hash) ^ view.getInt32(at, true), MIX);
  return finish(Math.imul(mix(hash) ^ view.getInt32(last, true), MIX));
}

function mix(hash: number): number {
  return hash ^ (hash >>> 15);
}

function finish(hash: number): number {
  return Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) ^ (hash >>> 13);
}
