/** What a request took, as TEI reports it: sums of characters and tokens, means of the times over its texts. */
export interface RequestStats {
  readonly characters: number;
  readonly tokens: number;
  readonly tokenizationMs: number;
  readonly queueMs: number;
  readonly inferenceMs: number;
}

/** Characters as Rust counts them: a surrogate pair is one. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    if (isLowHalf(text, i)) count--;
  }
  return count;
}

/** At most so many characters from the start; a surrogate pair is never cut. */
export function firstCharacters(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let at = 0;
  for (let count = 0; count < limit && at < text.length; count++) at += isLowHalf(text, at + 1) ? 2 : 1;
  return text.slice(0, at);
}

/** Whether the code unit at `i` is the second half of a surrogate pair. */
function isLowHalf(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  if (unit < 0xdc00 || unit > 0xdfff || i === 0) return false;
  const before = text.charCodeAt(i - 1);
  return before >= 0xd800 && before <= 0xdbff;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
