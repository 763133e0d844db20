const MAX_QUOTED = 120;

/** A name from a file, fit for an error message: short, and without characters that a terminal would obey. */
export function quote(name: string): string {
  const visible = name.replaceAll(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return visible.length > MAX_QUOTED ? `'${visible.slice(0, MAX_QUOTED)}…'` : `'${visible}'`;
}

/** `'a', 'b', 'c' and 12 more` */
export function quoteList(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map(quote).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
