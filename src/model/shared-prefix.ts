/** Sequences that begin with the same tokens. */
export interface PrefixGroup {
  /** The tokens they share, fewer than any of them has. */
  readonly prefix: Uint32Array;
  /** Indices of the sequences. */
  readonly members: readonly number[];
}

/**
 * Finds what the sequences of each family have in common, where a family is those with the same key (a query). Families
 * of one are put together: they share at least the system prompt. What a lone sequence would share with nobody is empty.
 *
 * @param keys of each sequence
 */
export function groupByPrefix(sequences: readonly Uint32Array[], keys: readonly string[]): PrefixGroup[] {
  const families = new Map<string, number[]>();
  for (const [index, key] of keys.entries()) families.set(key, [...(families.get(key) ?? []), index]);
  const lone = [...families.values()].filter(({ length }) => length === 1).flat();
  const several = [...families.values()].filter(({ length }) => length > 1);
  return [...several, ...(lone.length > 0 ? [lone] : [])].map((members) => ({
    prefix: commonPrefix(members.map((index) => sequences[index] ?? new Uint32Array())),
    members,
  }));
}

function commonPrefix(sequences: readonly Uint32Array[]): Uint32Array {
  const [first = new Uint32Array(), ...others] = sequences;
  if (others.length === 0) return new Uint32Array();
  let length = Math.min(...sequences.map((sequence) => sequence.length - 1));
  for (const other of others) {
    const differs = first.subarray(0, length).findIndex((id, i) => id !== other[i]);
    if (differs >= 0) length = differs;
  }
  return first.subarray(0, length);
}
